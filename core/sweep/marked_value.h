// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Where a value was written: a byte of the file, or one of the --set arguments.
struct Place
{
    std::size_t offset = 0;
    int override = -1; ///< index into SourceText::overrides; -1: in a file
    int file = 0;      ///< 0: the sweep file itself, else SourceText::included[file - 1]
};

/// A file that a sweep file includes.
struct IncludedText
{
    std::string name; ///< as messages call it
    std::string text;
    std::filesystem::path folder; ///< anchors its relative paths
};

/// A sweep file with what it includes and the --set arguments laid over it; knows how to say where something stands.
struct SourceText
{
    std::string name;                   ///< the file, as messages call it
    std::string_view text;              ///< UTF-8
    std::vector<std::string> overrides; ///< "path=value"
    std::vector<std::shared_ptr<const IncludedText>> included = {};

    /// "sweep.yaml:3:14" (columns count characters, both from 1) or "--set path=value".
    std::string where(Place place) const;
    /// "where: message".
    Error error(Place place, std::string_view message, std::string hint,
                ErrorCode code = ErrorCode::InvalidArgument) const;
    /// The same problem at a place of this text.
    Error error(Place place, const Error& problem) const;
};

/// A value of a YAML or JSON document that remembers where it stands.
struct MarkedValue
{
    enum class Kind
    {
        Scalar,
        Sequence,
        Map
    };

    Kind kind = Kind::Scalar;
    Place place;
    Json scalar;                    ///< of a Scalar: null, boolean, number or text
    std::string text;               ///< of a Scalar: as written, without quotes
    bool isQuoted = false;          ///< of a Scalar: a text whatever it looks like
    std::vector<MarkedValue> items; ///< elements of a Sequence, values of a Map
    std::vector<std::string> keys;  ///< of a Map, parallel to `items`, in the order of the file
    std::vector<Place> keyPlaces;   ///< likewise

    bool isNull() const { return kind == Kind::Scalar && scalar.is_null(); }
    bool isSequence() const { return kind == Kind::Sequence; }
    bool isMap() const { return kind == Kind::Map; }
    MarkedValue* find(std::string_view key); ///< nullptr when there is no such key
    const MarkedValue* find(std::string_view key) const;
    /// Sets or adds a key of a Map.
    void set(std::string_view key, MarkedValue value);

    Json toJson() const;
    std::string shown() const; ///< for messages: JSON, cut after a few dozen characters
};

/// The value that plain (unquoted) text means by YAML 1.2's core schema: null, true, 12, 0x1f, 1.5e3, or itself.
Json plainScalar(std::string_view text);

/// Most bytes and values of a document, counting every use of an alias; what writeSweep makes of kMaxTrials
/// unrelated pipelines fits.
inline constexpr std::size_t kMaxDocumentBytes = std::size_t(8) << 20;
inline constexpr std::size_t kMaxDocumentValues = 1'000'000;
inline constexpr int kMaxDocumentDepth = 64;

/// One YAML document. Errors: InvalidArgument with the place: not UTF-8, not YAML, a key twice, more than one document,
/// beyond the limits above, explicit tags.
Result<MarkedValue> readYaml(const SourceText& source);
/// The same for JSON.
Result<MarkedValue> readMarkedJson(const SourceText& source);

} // namespace paretoscope::core
