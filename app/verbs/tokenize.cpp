// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/input.h"
#include "app/verbs/verb.h"
#include "core/checkpoint/checkpoint.h"
#include "core/tokenizer/tokenizer.h"

#include <bit>
#include <charconv>
#include <span>

namespace paretoscope::app {

namespace {

using Ids = std::vector<std::int32_t>;

core::Error invalid(std::string message, std::string hint)
{
    return {core::ErrorCode::InvalidArgument, std::move(message), std::move(hint)};
}

std::vector<std::string_view> linesOf(std::string_view text)
{
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return lines;
}

core::Result<std::string> fieldOfLine(std::string_view line, std::size_t number, const std::string& field)
{
    const std::string place = "line " + std::to_string(number);
    PSC_ASSIGN(const core::Json json, core::parseJson(line, place));
    const auto found = json.is_object() ? json.find(field) : json.end();
    if (!json.is_object() || found == json.end() || !found->is_string())
        return core::Error {core::ErrorCode::Corrupt, place + " has no text \"" + field + "\"",
                            "each line must be a JSON object that has the field given to --jsonl"};
    return found->get<std::string>();
}

/// Ids as `tokenize` prints them: numbers between spaces or commas, a JSON array, or its document with "ids".
core::Result<Ids> readIds(const std::string& text)
{
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first != std::string::npos && (text[first] == '{' || text[first] == '[')) {
        PSC_ASSIGN(const core::Json json, core::parseJson(text, "the input"));
        const core::Json list = json.is_object() ? json.value("ids", core::Json()) : json;
        try {
            return list.get<Ids>();
        } catch (const core::Json::exception&) {
            return invalid("the input is JSON, but no list of ids", "give [1, 2, 3] or {\"ids\": [1, 2, 3]}");
        }
    }
    Ids ids;
    const char* at = text.data();
    const char* end = at + text.size();
    while (at != end) {
        if (std::string_view(" \t\r\n,").find(*at) != std::string_view::npos) {
            ++at;
            continue;
        }
        std::int32_t id = 0;
        const auto [stop, failure] = std::from_chars(at, end, id);
        if (failure != std::errc())
            return invalid("\"" + std::string(at, std::min<std::ptrdiff_t>(end - at, 20)) + "\" is no token id",
                           "--decode reads numbers between spaces, commas or line ends");
        ids.push_back(id);
        at = stop;
    }
    return ids;
}

std::string idsSha256(const std::vector<Ids>& lists)
{
    static_assert(std::endian::native == std::endian::little, "ids are hashed as little-endian int32");
    core::Sha256 hash;
    for (const Ids& ids : lists)
        hash.update(std::as_bytes(std::span(ids)));
    return hash.finish().hex();
}

std::string joined(const Ids& ids)
{
    std::string text;
    for (const std::int32_t id : ids)
        text += (text.empty() ? "" : " ") + std::to_string(id);
    return text;
}

class TokenizeVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& model = options.text("MODEL", "", m_model,
                                         "A Hugging Face folder (tokenizer files are enough), a .gguf file, or a name "
                                         "in the folders of PARETOSCOPE_MODELS.");
        model.kind = ValueKind::Model;
        model.required = true;
        options.text("FILE", "", m_file, "The text; - or nothing reads stdin.").kind = ValueKind::File;
        options.flag("--special", m_special, "Add the tokenizer's special tokens as its post-processor does.");
        options.flag("--lines", m_lines, "Tokenize each line by itself.");
        options.text("--jsonl", "FIELD", m_field, "Read one JSON object a line and tokenize this field of each.");
        options.flag("--ids-sha256", m_hash, "Print only the number of ids and their SHA-256 as little-endian int32.");
        options.flag("--decode", m_decode, "The other way: read ids, print the text.");
    }

    Outcome run(Session& session) override
    {
        if (m_decode && (m_special || m_lines || m_hash || !m_field.empty()))
            return Outcome::usage("--decode goes with none of the other options", "give --decode alone");
        if (m_lines && !m_field.empty())
            return Outcome::usage("--lines and --jsonl exclude each other", "give one of them");
        PSC_ASSIGN(const auto path, core::resolveModel(m_model));
        PSC_ASSIGN(const core::Tokenizer tokenizer, core::Tokenizer::load(path));
        PSC_ASSIGN(const std::string text, readFileOrInput(m_file, session.input));
        return m_decode ? decode(tokenizer, text, session) : encode(tokenizer, text, session);
    }

private:
    static Outcome decode(const core::Tokenizer& tokenizer, const std::string& input, Session& session)
    {
        PSC_ASSIGN(const Ids ids, readIds(input));
        PSC_ASSIGN(const std::string text, tokenizer.decode(ids));
        if (session.common.json)
            session.console.document({{"schema", "paretoscope.tokenize/1"},
                                      {"text", text},
                                      {"count", ids.size()},
                                      {"tokenizer_sha256", tokenizer.digest().hex()}});
        else if (session.console.outStream().isTerminal && !text.ends_with('\n'))
            session.console.line(text);
        else
            session.console.write(text); // byte for byte
        return ExitStatus::Done;
    }

    bool inLines() const { return m_lines || !m_field.empty(); }

    core::Result<std::vector<Ids>> encodeAll(const core::Tokenizer& tokenizer, const std::string& text) const
    {
        if (!inLines())
            return std::vector<Ids> {tokenizer.encode(text, m_special)};
        std::vector<Ids> lists;
        for (const std::string_view line : linesOf(text)) {
            if (m_lines) {
                lists.push_back(tokenizer.encode(line, m_special));
                continue;
            }
            PSC_ASSIGN(const std::string field, fieldOfLine(line, lists.size() + 1, m_field));
            lists.push_back(tokenizer.encode(field, m_special));
        }
        return lists;
    }

    Outcome encode(const core::Tokenizer& tokenizer, const std::string& text, Session& session) const
    {
        PSC_ASSIGN(const std::vector<Ids> lists, encodeAll(tokenizer, text));
        std::size_t count = 0;
        for (const Ids& ids : lists)
            count += ids.size();
        if (session.common.json) {
            core::Json json {
                {"schema", "paretoscope.tokenize/1"}, {"count", count}, {"tokenizer_sha256", tokenizer.digest().hex()}};
            if (m_hash)
                json["ids_sha256"] = idsSha256(lists);
            else if (inLines())
                json["lines"] = lists;
            else
                json["ids"] = lists.front();
            session.console.document(json);
        } else if (m_hash) {
            session.console.line(std::to_string(count) + " " + idsSha256(lists));
        } else {
            for (const Ids& ids : lists)
                session.console.line(joined(ids));
        }
        return ExitStatus::Done;
    }

    std::string m_model;
    std::string m_file;
    std::string m_field;
    bool m_special = false;
    bool m_lines = false;
    bool m_hash = false;
    bool m_decode = false;
};

} // namespace

VerbEntry tokenizeVerb()
{
    return {.name = "tokenize",
            .summary = "turn text into the token ids of a model, and back",
            .usage = "MODEL [FILE] [options]",
            .description = "Prints the token ids of a text, as the tokenizer of a model makes them.\n"
                           "  paretoscope tokenize models/tiny-llama wiki.txt --ids-sha256\n"
                           "  echo -n 'Hello world' | paretoscope tokenize models/tiny-llama --json\n"
                           "  echo '15496 995' | paretoscope tokenize models/tiny-llama --decode",
            .make = makeVerb<TokenizeVerb>};
}

} // namespace paretoscope::app
