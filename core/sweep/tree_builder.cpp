// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/tree_builder.h"

#include "core/base/json_fields.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <utility>

namespace paretoscope::core {

void TreeBuilder::count(const MarkedValue& value)
{
    if (++m_count > kMaxDocumentValues)
        throw Refusal {m_source.error(value.place, "more than " + std::to_string(kMaxDocumentValues) + " values",
                                      "split the sweep; aliases count with all they stand for")};
    for (const MarkedValue& item : value.items)
        count(item);
}

void TreeBuilder::addKey(Open& map, const MarkedValue& key)
{
    if (key.kind != MarkedValue::Kind::Scalar)
        throw Refusal {m_source.error(key.place, "a list or a map cannot be a key", "write key: value")};
    if (key.text == "<<" && !key.isQuoted)
        throw Refusal {
            m_source.error(key.place, "merge keys (<<) are not read", "repeat the keys, or use *alias alone")};
    if (!map.seenKeys.insert(key.text).second)
        throw Refusal {
            m_source.error(key.place, "key " + shownValue(key.text) + " stands there twice", "remove one of the two")};
    map.value.keys.push_back(key.text);
    map.value.keyPlaces.push_back(key.place);
}

void TreeBuilder::add(MarkedValue value)
{
    count(value);
    attach(std::move(value));
}

void TreeBuilder::attach(MarkedValue value)
{
    if (m_open.empty()) {
        m_root = std::move(value);
        m_hasRoot = true;
        return;
    }
    Open& parent = m_open.back();
    if (parent.waitsForKey) {
        addKey(parent, value);
        parent.waitsForKey = false;
        return;
    }
    parent.value.items.push_back(std::move(value));
    parent.waitsForKey = parent.value.isMap();
}

void TreeBuilder::begin(MarkedValue::Kind kind, Place place)
{
    if (m_open.size() >= static_cast<std::size_t>(kMaxDocumentDepth))
        throw Refusal {m_source.error(place, "nested deeper than " + std::to_string(kMaxDocumentDepth) + " levels",
                                      "a sweep needs about eight")};
    if (!m_open.empty() && m_open.back().waitsForKey)
        throw Refusal {m_source.error(place, "a list or a map cannot be a key", "write key: value")};
    Open open;
    open.value.kind = kind;
    open.value.place = place;
    count(open.value);
    open.waitsForKey = kind == MarkedValue::Kind::Map;
    m_open.push_back(std::move(open));
}

const MarkedValue& TreeBuilder::end()
{
    MarkedValue closed = std::move(m_open.back().value);
    m_open.pop_back();
    attach(std::move(closed));
    return m_open.empty() ? m_root : m_open.back().value.items.back();
}

Status checkDocumentText(const SourceText& source)
{
    if (source.text.size() > kMaxDocumentBytes)
        return Error {ErrorCode::InvalidArgument,
                      source.name + " has " + std::to_string(source.text.size()) + " bytes; a sweep file has at most " +
                          std::to_string(kMaxDocumentBytes),
                      "check that it is a sweep file"};
    for (std::size_t begin = 0; begin < source.text.size();) {
        const std::size_t end = std::min(source.text.find_first_of("\t\r\n", begin), source.text.size());
        if (!isPlainText(source.text.substr(begin, end - begin)))
            return source.error({begin}, "not UTF-8 text, or a control character in it", "save the file as UTF-8");
        begin = end + 1;
    }
    return success();
}

} // namespace paretoscope::core
