// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_header.h"

#include "core/base/json.h"
#include "core/checkpoint/untrusted_text.h"

#include <array>
#include <optional>
#include <unordered_set>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::size_t kMaxTensors = 1'000'000;
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxRank = 8;
constexpr std::size_t kMaxDepth = 4;
constexpr std::uint64_t kMaxInteger = std::uint64_t(1) << 53;
constexpr char kDamaged[] = "the file is damaged or incomplete; fetch it again";

/// The checks of the header in the order in which they are reported.
enum class Check
{
    Form,
    DuplicateKey,
    Integer,
    Limit
};

struct Problem
{
    Check check;
    std::string text;
};

/// Takes the header apart while it is read, so that a hostile one costs no more memory than a sound one. What is wrong
/// is remembered by the order of the checks, not by the order in the file.
class HeaderHandler
{
public:
    SafetensorsHeader header;
    std::optional<Problem> problem;

    // The interface of nlohmann's event parser; false stops it.
    bool null() { return scalar("null"); }
    bool boolean(bool) { return scalar("a bool"); }
    bool binary(Json::binary_t&) { return scalar("binary data"); }
    bool number_integer(Json::number_integer_t value) { return integer(std::nullopt, std::to_string(value)); }
    bool number_unsigned(Json::number_unsigned_t value) { return integer(value, std::to_string(value)); }
    bool number_float(Json::number_float_t, const std::string& text) { return integer(std::nullopt, text); }
    bool string(std::string& text);
    bool start_object(std::size_t);
    bool end_object();
    bool start_array(std::size_t);
    bool end_array();
    bool key(std::string& text);
    bool parse_error(std::size_t position, const std::string&, const Json::exception& failure);

private:
    enum class Field
    {
        None,
        Dtype,
        Shape,
        Offsets
    };

    static Field fieldOf(std::string_view key)
    {
        if (key == "dtype")
            return Field::Dtype;
        if (key == "shape")
            return Field::Shape;
        return key == "data_offsets" ? Field::Offsets : Field::None; // unknown keys are ignored, as the reference does
    }
    void note(Check check, std::string text)
    {
        if (!problem || check < problem->check)
            problem = Problem {check, std::move(text)};
    }
    std::string tensor() const { return "tensor " + inQuotes(m_entry.name); }
    std::size_t depth() const { return m_keys.size() + m_arrays; }
    bool inMetadata() const { return depth() == 2 && m_isMetadata; }
    bool inTensor() const { return depth() == 2 && !m_isMetadata; }
    bool scalar(std::string_view what);
    bool integer(std::optional<std::uint64_t> value, const std::string& text);
    void storeInteger(std::int64_t value);
    bool enter();
    void finishTensor();

    std::vector<std::unordered_set<std::string>> m_keys; // of the open objects
    std::size_t m_arrays = 0;                            // open arrays
    bool m_isMetadata = false;
    std::string m_metadataKey;
    SafetensorsHeaderEntry m_entry;
    Field m_field = Field::None;
    std::array<std::int64_t, 2> m_offsets {};
    std::size_t m_offsetCount = 0; // also those beyond the second
    bool m_hasDtype = false;
    bool m_hasShape = false;
    bool m_hasOffsets = false;
};

bool HeaderHandler::enter()
{
    if (depth() < kMaxDepth)
        return true;
    note(Check::Form, "is nested deeper than " + std::to_string(kMaxDepth) + " levels");
    return false;
}

bool HeaderHandler::start_object(std::size_t)
{
    if (!enter())
        return false;
    if (inMetadata())
        note(Check::Form, "has a value other than a string in __metadata__: " + inQuotes(m_metadataKey));
    else if (inTensor() && m_field != Field::None)
        note(Check::Form, "gives an object where " + tensor() + " needs its dtype, shape or data_offsets");
    m_keys.emplace_back();
    return true;
}

bool HeaderHandler::end_object()
{
    if (inTensor())
        finishTensor();
    m_keys.pop_back();
    return true;
}

bool HeaderHandler::start_array(std::size_t)
{
    if (!enter())
        return false;
    if (depth() < 2)
        note(Check::Form, "gives an array where an object is needed");
    else if (inMetadata())
        note(Check::Form, "has a value other than a string in __metadata__: " + inQuotes(m_metadataKey));
    else if (m_field == Field::Dtype || (depth() > 2 && m_field != Field::None))
        note(Check::Form, "gives an array where " + tensor() + " needs a plain value");
    m_hasShape = m_hasShape || (inTensor() && m_field == Field::Shape);
    m_hasOffsets = m_hasOffsets || (inTensor() && m_field == Field::Offsets);
    ++m_arrays;
    return true;
}

bool HeaderHandler::end_array()
{
    --m_arrays;
    return true;
}

bool HeaderHandler::key(std::string& text)
{
    if (!m_keys.back().insert(text).second)
        note(Check::DuplicateKey, "has the key " + inQuotes(text) + " twice");
    if (depth() == 1) {
        m_isMetadata = text == "__metadata__";
        m_entry = {};
        m_entry.name = text;
        m_offsetCount = 0;
        m_hasDtype = m_hasShape = m_hasOffsets = false;
        m_field = Field::None;
        if (text.size() > kMaxNameBytes)
            note(Check::Limit, "has a tensor name of " + std::to_string(text.size()) + " bytes; at most " +
                                   std::to_string(kMaxNameBytes) + " are read");
    } else if (inMetadata()) {
        m_metadataKey = text;
    } else if (inTensor()) {
        m_field = fieldOf(text);
    }
    return true;
}

bool HeaderHandler::string(std::string& text)
{
    if (inMetadata()) {
        header.metadata.insert_or_assign(m_metadataKey, text);
        return true;
    }
    if (inTensor() && m_field == Field::Dtype) {
        m_entry.dtype = text;
        m_hasDtype = true;
        return true;
    }
    return scalar("a string");
}

/// A value that is no integer, where only some places allow one.
bool HeaderHandler::scalar(std::string_view what)
{
    if (depth() < 2)
        note(Check::Form, "gives " + std::string(what) + " where an object is needed");
    else if (inMetadata())
        note(Check::Form, "has a value other than a string in __metadata__: " + inQuotes(m_metadataKey));
    else if (m_field != Field::None)
        note(Check::Form, "gives " + std::string(what) + " in the dtype, shape or data_offsets of " + tensor());
    return true;
}

bool HeaderHandler::integer(std::optional<std::uint64_t> value, const std::string& text)
{
    const bool isNumberField = m_arrays == 1 && depth() == 3 && (m_field == Field::Shape || m_field == Field::Offsets);
    if (!isNumberField)
        return scalar("a number");
    const bool sound = value && *value <= kMaxInteger;
    if (!sound)
        note(Check::Integer, "has " + inQuotes(text) + " in the " +
                                 (m_field == Field::Shape ? "shape" : "data_offsets") + " of " + tensor() +
                                 "; a plain integer of 0 to 2^53 is needed");
    storeInteger(sound ? static_cast<std::int64_t>(*value) : 0);
    return true;
}

void HeaderHandler::storeInteger(std::int64_t value)
{
    if (m_field == Field::Offsets) {
        if (m_offsetCount < m_offsets.size())
            m_offsets[m_offsetCount] = value;
        ++m_offsetCount;
    } else if (m_entry.shape.size() < kMaxRank) {
        m_entry.shape.push_back(value);
    } else {
        note(Check::Limit, "gives " + tensor() + " more than " + std::to_string(kMaxRank) + " dimensions");
    }
}

void HeaderHandler::finishTensor()
{
    if (!m_hasDtype || !m_hasShape || !m_hasOffsets)
        note(Check::Form, "lacks the dtype, shape or data_offsets of " + tensor());
    else if (m_offsetCount != m_offsets.size())
        note(Check::Form, "does not give two data_offsets for " + tensor());
    if (header.entries.size() >= kMaxTensors) {
        note(Check::Limit, "has more than " + std::to_string(kMaxTensors) + " tensors");
        return;
    }
    m_entry.begin = m_offsets[0];
    m_entry.end = m_offsets[1];
    header.entries.push_back(std::move(m_entry));
}

bool HeaderHandler::parse_error(std::size_t position, const std::string&, const Json::exception&)
{
    note(Check::Form, "is not valid UTF-8 JSON: byte " + std::to_string(position) + " is unexpected");
    return false;
}

} // namespace

Result<SafetensorsHeader> parseSafetensorsHeader(std::string_view json, const std::string& source)
{
    const auto fail = [&](ErrorCode code, const std::string& text) {
        return Error {code, source + ": the header " + text, kDamaged};
    };
    if (json.empty() || json.front() != '{')
        return fail(ErrorCode::Corrupt, "does not start with \"{\"");
    if (json.find('\0') != std::string_view::npos) // nlohmann's parser would take it for the end
        return fail(ErrorCode::Corrupt, "contains a NUL byte");
    HeaderHandler handler;
    Json::sax_parse(json, &handler); // reports through parse_error and never throws on bad text
    if (handler.problem)
        return fail(handler.problem->check == Check::Limit ? ErrorCode::Unsupported : ErrorCode::Corrupt,
                    handler.problem->text);
    return std::move(handler.header);
}

} // namespace paretoscope::core
