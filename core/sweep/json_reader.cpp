// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/tree_builder.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace paretoscope::core {

namespace {

/// Walks over the text and lets others see how far it has come: nlohmann's parser tells no positions of values.
class WatchedIterator
{
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    WatchedIterator(const char* at, const char** farthest)
        : m_at(at)
        , m_farthest(farthest)
    {}

    reference operator*() const { return *m_at; }
    WatchedIterator& operator++()
    {
        *m_farthest = ++m_at;
        return *this;
    }
    WatchedIterator operator++(int)
    {
        WatchedIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const WatchedIterator& other) const { return m_at == other.m_at; }

private:
    const char* m_at;
    const char** m_farthest;
};

class JsonEvents final : public Json::json_sax_t
{
public:
    JsonEvents(const SourceText& source, const char* const& farthest)
        : m_source(source)
        , m_tree(source)
        , m_farthest(farthest)
    {}

    TreeBuilder& tree() { return m_tree; }

    bool null() override { return add(nullptr, "null"); }
    bool boolean(bool value) override { return add(value, value ? "true" : "false"); }
    bool number_integer(std::int64_t value) override { return add(value, std::to_string(value)); }
    bool number_unsigned(std::uint64_t value) override
    {
        // Signed where it fits, as everywhere else: equal numbers compare equal.
        const bool fits = value <= static_cast<std::uint64_t>(INT64_MAX);
        return add(fits ? Json(static_cast<std::int64_t>(value)) : Json(value), std::to_string(value));
    }
    bool number_float(double value, const std::string& text) override { return add(value, text); }
    bool string(std::string& value) override { return add(value, value, true); }
    bool binary(Json::binary_t& /*value*/) override { return false; } // JSON has none

    bool start_object(std::size_t /*count*/) override { return begin(MarkedValue::Kind::Map); }
    bool key(std::string& name) override { return add(name, name, true); }
    bool end_object() override { return end(); }
    bool start_array(std::size_t /*count*/) override { return begin(MarkedValue::Kind::Sequence); }
    bool end_array() override { return end(); }

    bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& failure) override
    {
        std::string what = failure.what(); // "[json.exception...] parse error at line 1, column 2: syntax error ..."
        const std::size_t detail = what.find(": ");
        what = detail == std::string::npos ? what : what.substr(detail + 2);
        throw TreeBuilder::Refusal {m_source.error({position > 0 ? position - 1 : 0}, "not valid JSON: " + what,
                                                   "compare brackets, quotes and commas with the lines above")};
    }

private:
    /// Where the token that was just read begins. The reader may be one character past the end of a number.
    Place nextPlace()
    {
        const std::size_t start = std::min(m_source.text.find_first_not_of(" \t\r\n,:]}", m_end), m_source.text.size());
        m_end = static_cast<std::size_t>(m_farthest - m_source.text.data());
        return {start};
    }
    bool add(Json scalar, std::string text, bool quoted = false)
    {
        MarkedValue value;
        value.place = nextPlace();
        value.scalar = std::move(scalar);
        value.text = std::move(text);
        value.isQuoted = quoted;
        m_tree.add(std::move(value));
        return true;
    }
    bool begin(MarkedValue::Kind kind)
    {
        m_tree.begin(kind, nextPlace());
        return true;
    }
    bool end()
    {
        m_tree.end();
        m_end = static_cast<std::size_t>(m_farthest - m_source.text.data());
        return true;
    }

    const SourceText& m_source;
    TreeBuilder m_tree;
    const char* const& m_farthest;
    std::size_t m_end = 0;
};

} // namespace

Result<MarkedValue> readMarkedJson(const SourceText& source)
{
    PSC_TRY(checkDocumentText(source));
    const char* const begin = source.text.data();
    const char* farthest = begin;
    JsonEvents events(source, farthest);
    try {
        Json::sax_parse(WatchedIterator(begin, &farthest), WatchedIterator(begin + source.text.size(), &farthest),
                        &events);
    } catch (const TreeBuilder::Refusal& refusal) {
        return refusal.error;
    } catch (const std::exception& failure) {
        return source.error({0}, std::string("not valid JSON: ") + failure.what(), "correct the file");
    }
    return events.tree().takeRoot();
}

} // namespace paretoscope::core
