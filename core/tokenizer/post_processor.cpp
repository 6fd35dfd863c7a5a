// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/post_processor.h"

#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/vocabulary.h"

#include <string>
#include <utility>

namespace paretoscope::core {

namespace {

using Made = Result<PostProcessor>;

Error corrupt(const std::string& message)
{
    return {ErrorCode::Corrupt, message, "save the tokenizer again with the library that made it"};
}

Result<std::int32_t> readId(const Json& id, const std::string& place)
{
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > Vocabulary::kLargestId)
        return corrupt(place + " must be a token id, but is " + shortJson(id));
    return id.get<std::int32_t>();
}

/// It only moves offsets, which nobody asks for here.
Made makeByteLevel(PartReader& part)
{
    for (const std::string_view key : {"add_prefix_space", "trim_offsets", "use_regex"})
        part.ignore(key);
    PSC_TRY(part.finish());
    return PostProcessor {};
}

/// The ids of one special token of a template.
Result<std::vector<std::int32_t>> specialIds(const Json& specialTokens, const std::string& name,
                                             const std::string& place)
{
    const auto found = specialTokens.find(name);
    if (found == specialTokens.end())
        return corrupt(place + " names the special token " + shortJson(Json(name)) + ", which special_tokens lacks");
    PartReader part(*found, place + ".special_tokens[" + shortJson(Json(name)) + "]");
    const Json& list = part.array("ids");
    part.ignore("id");
    part.ignore("tokens");
    PSC_TRY(part.finish());
    std::vector<std::int32_t> ids;
    for (const Json& item : list) {
        PSC_ASSIGN(const std::int32_t id, readId(item, part.placeOf("ids")));
        ids.push_back(id);
    }
    return ids;
}

Made makeTemplate(PartReader& part)
{
    const Json& single = part.array("single");
    const Json& specialTokens = part.object("special_tokens");
    part.ignore("pair"); // for two texts at once
    PSC_TRY(part.finish());
    const std::string place = part.placeOf("single");
    PostProcessor result;
    bool seenText = false;
    for (const Json& item : single) {
        const std::string kind = item.is_object() && item.size() == 1 ? item.begin().key() : std::string();
        if (kind != "Sequence" && kind != "SpecialToken")
            return corrupt(place + " has " + shortJson(item) + "; only Sequence and SpecialToken are known");
        PartReader entry(*item.begin(), place + "." + kind);
        const std::string id = entry.string("id");
        entry.ignore("type_id");
        PSC_TRY(entry.finish());
        if (kind == "Sequence") {
            if (seenText || id != "A")
                return corrupt(place + " must contain the sequence A exactly once");
            seenText = true;
            continue;
        }
        PSC_ASSIGN(const auto ids, specialIds(specialTokens, id, part.place()));
        auto& side = seenText ? result.behind : result.before;
        side.insert(side.end(), ids.begin(), ids.end());
    }
    if (!seenText)
        return corrupt(place + " must contain the sequence A exactly once");
    return result;
}

Made makeSequence(PartReader& part)
{
    const Json& list = part.array("processors");
    PSC_TRY(part.finish());
    PostProcessor result;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string place = part.placeOf("processors") + "[" + std::to_string(i) + "]";
        PSC_ASSIGN(const PostProcessor step, makePostProcessor(list[i], place));
        result.before.insert(result.before.begin(), step.before.begin(), step.before.end()); // outermost is last
        result.behind.insert(result.behind.end(), step.behind.begin(), step.behind.end());
    }
    return result;
}

/// `["[CLS]", 101]`, as the fields cls and sep of BertProcessing and RobertaProcessing have it.
Result<std::int32_t> readPair(PartReader& part, std::string_view key)
{
    const Json& pair = part.array(key);
    if (pair.size() != 2 || !pair[0].is_string())
        return corrupt(part.placeOf(key) + " must be [token, id], but is " + shortJson(pair));
    return readId(pair[1], part.placeOf(key));
}

Made makeBert(PartReader& part)
{
    PSC_ASSIGN(const std::int32_t separator, readPair(part, "sep"));
    PSC_ASSIGN(const std::int32_t first, readPair(part, "cls"));
    part.ignore("trim_offsets");
    part.ignore("add_prefix_space");
    PSC_TRY(part.finish());
    return PostProcessor {{first}, {separator}};
}

} // namespace

Made makePostProcessor(const Json& json, std::string_view place)
{
    static constexpr PartMaker<PostProcessor> kMakers[] {
        {"BertProcessing", makeBert}, {"ByteLevel", makeByteLevel},         {"RobertaProcessing", makeBert},
        {"Sequence", makeSequence},   {"TemplateProcessing", makeTemplate},
    };
    return makePart<PostProcessor>(json, place, kMakers);
}

} // namespace paretoscope::core
