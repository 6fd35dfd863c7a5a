// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/tree_builder.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <streambuf>
#include <vector>

namespace paretoscope::core {

namespace {

/// Builds the tree from yaml-cpp's events; its own node tree knows neither duplicate keys nor the cost of aliases.
class YamlEvents final : public YAML::EventHandler
{
public:
    explicit YamlEvents(const SourceText& source)
        : m_source(source)
        , m_tree(source)
    {}

    TreeBuilder& tree() { return m_tree; }

    void OnDocumentStart(const YAML::Mark& mark) override
    {
        if (m_documents++ > 0)
            refuse(mark, "a second document begins here", "keep one sweep in a file");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        MarkedValue value;
        value.place = placeOf(mark);
        addScalar(std::move(value), anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override
    {
        MarkedValue value;
        value.place = placeOf(mark);
        value.text = text;
        value.isQuoted = tag != "?";
        if (tag != "?" && tag != "!")
            refuseTag(mark, tag);
        value.scalar = value.isQuoted ? Json(text) : plainScalar(text);
        addScalar(std::move(value), anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        const auto found = m_anchored.find(anchor);
        if (found == m_anchored.end())
            refuse(mark, "this alias refers to what it is a part of", "name something that is complete above");
        m_tree.add(found->second);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override
    {
        begin(MarkedValue::Kind::Sequence, mark, tag, anchor);
    }
    void OnSequenceEnd() override { end(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override
    {
        begin(MarkedValue::Kind::Map, mark, tag, anchor);
    }
    void OnMapEnd() override { end(); }

private:
    static Place placeOf(const YAML::Mark& mark) { return {static_cast<std::size_t>(mark.pos > 0 ? mark.pos : 0)}; }

    [[noreturn]] void refuse(const YAML::Mark& mark, std::string_view message, std::string hint) const
    {
        throw TreeBuilder::Refusal {m_source.error(placeOf(mark), message, std::move(hint))};
    }
    [[noreturn]] void refuseTag(const YAML::Mark& mark, const std::string& tag) const
    {
        refuse(mark, "tags (" + tag + ") are not read", "write the value alone; quotes make it a text");
    }

    void addScalar(MarkedValue value, YAML::anchor_t anchor)
    {
        if (anchor != 0)
            m_anchored[anchor] = value;
        m_tree.add(std::move(value));
    }

    void begin(MarkedValue::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor)
    {
        if (tag != "?" && tag != "!" && !tag.empty())
            refuseTag(mark, tag);
        m_tree.begin(kind, placeOf(mark));
        m_openAnchors.push_back(anchor);
    }

    void end()
    {
        const YAML::anchor_t anchor = m_openAnchors.back();
        m_openAnchors.pop_back();
        const MarkedValue& closed = m_tree.end();
        if (anchor != 0)
            m_anchored[anchor] = closed;
    }

    const SourceText& m_source;
    TreeBuilder m_tree;
    int m_documents = 0;
    std::vector<YAML::anchor_t> m_openAnchors; ///< 0: none
    std::map<YAML::anchor_t, MarkedValue> m_anchored;
};

/// Reads from memory that somebody else owns.
class ViewBuffer final : public std::streambuf
{
public:
    explicit ViewBuffer(std::string_view text)
    {
        char* begin = const_cast<char*>(text.data()); // streambuf's interface; it is only read
        setg(begin, begin, begin + text.size());
    }
};

/// What helps against the mistakes that people make most.
std::string yamlHint(const SourceText& source, std::size_t offset)
{
    const std::string_view before = source.text.substr(0, std::min(offset, source.text.size()));
    const std::size_t start = before.rfind('\n') + 1;
    const std::size_t end = std::min(source.text.find('\n', start), source.text.size());
    const std::string_view line = source.text.substr(start, end - start);
    const std::size_t indentation = std::min(line.find_first_not_of(" \t"), line.size());
    if (line.substr(0, indentation).find('\t') != std::string_view::npos)
        return "indent with spaces; YAML does not allow tabs there";
    if (offset < source.text.size() && (source.text[offset] == '*' || source.text[offset] == '&'))
        return "put a text that begins with * or & in quotes";
    return "compare brackets, quotes, colons and indentation with the lines above";
}

} // namespace

Result<MarkedValue> readYaml(const SourceText& source)
{
    PSC_TRY(checkDocumentText(source));
    YamlEvents events(source);
    try {
        ViewBuffer buffer(source.text);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(events)) {
        }
    } catch (const TreeBuilder::Refusal& refusal) {
        return refusal.error;
    } catch (const YAML::Exception& failure) {
        const auto offset = static_cast<std::size_t>(failure.mark.pos > 0 ? failure.mark.pos : 0);
        return source.error({offset}, "not valid YAML: " + failure.msg, yamlHint(source, offset));
    } catch (const std::exception& failure) {
        return source.error({0}, std::string("not valid YAML: ") + failure.what(), "correct the file");
    }
    if (events.tree().isEmpty())
        return source.error({0}, "the file is empty", "write a sweep; docs/sweep-file.md shows one");
    return events.tree().takeRoot();
}

} // namespace paretoscope::core
