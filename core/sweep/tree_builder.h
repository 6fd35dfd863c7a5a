// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/marked_value.h"

#include <string>
#include <unordered_set>
#include <vector>

namespace paretoscope::core {

/// Puts the events of a YAML or JSON parser together to a tree, within the limits of marked_value.h.
/// Parsers stop on an exception only, so a broken rule is thrown as Refusal; readYaml and readMarkedJson catch it.
class TreeBuilder
{
public:
    struct Refusal
    {
        Error error;
    };

    explicit TreeBuilder(const SourceText& source)
        : m_source(source)
    {}

    /// A scalar or a whole subtree. Where a Map waits for a key, a scalar is that key.
    void add(MarkedValue value);
    void begin(MarkedValue::Kind kind, Place place);
    /// The innermost open Sequence or Map is complete; it stays valid until the next call.
    const MarkedValue& end();

    bool isEmpty() const { return !m_hasRoot; }
    MarkedValue takeRoot() { return std::move(m_root); }

private:
    struct Open
    {
        MarkedValue value;
        std::unordered_set<std::string> seenKeys;
        bool waitsForKey = false;
    };

    void count(const MarkedValue& value);
    void attach(MarkedValue value);
    void addKey(Open& map, const MarkedValue& key);

    const SourceText& m_source;
    std::vector<Open> m_open;
    MarkedValue m_root;
    bool m_hasRoot = false;
    std::size_t m_count = 0;
};

/// Errors: larger than kMaxDocumentBytes; not UTF-8 or with control characters, at their place.
Status checkDocumentText(const SourceText& source);

} // namespace paretoscope::core
