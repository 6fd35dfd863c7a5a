// SPDX-License-Identifier: Apache-2.0
#include "core/project/share/redactor.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace paretoscope::core {

namespace {

/// Names that say nothing and stand in many an innocent text.
constexpr std::array<std::string_view, 7> kCommon {"root", "user", "host", "localhost", "home", "admin", "nobody"};
constexpr std::size_t kShortestName = 3;

constexpr std::array<std::string_view, 4> kMachineKeys {"host", "pid", "log_tail", "log"};

/// How keys of well-known services begin, and how many characters have to follow.
struct KeyForm
{
    std::string_view prefix;
    std::size_t length;
};
constexpr std::array kKeyForms {KeyForm {"hf_", 16},  KeyForm {"sk-", 16},   KeyForm {"ghp_", 16},
                                KeyForm {"gho_", 16}, KeyForm {"ghs_", 16},  KeyForm {"github_pat_", 16},
                                KeyForm {"AKIA", 12}, KeyForm {"xoxb-", 10}, KeyForm {"xoxp-", 10},
                                KeyForm {"AIza", 20}, KeyForm {"glpat-", 16}};
constexpr std::array<std::string_view, 8> kSecretNames {"token",   "secret",  "password", "passwd",
                                                        "api_key", "api-key", "apikey",   "access_key"};
constexpr std::string_view kRemoved = "removed";

bool isWordCharacter(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool isKeyCharacter(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '+' || c == '/' ||
           c == '=';
}

char lower(char c)
{
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool standsAt(std::string_view text, std::size_t at, std::string_view word)
{
    return text.size() - at >= word.size() && std::equal(word.begin(), word.end(), text.begin() + std::ptrdiff_t(at),
                                                         [](char a, char b) { return lower(a) == lower(b); });
}

bool endsPath(char c)
{
    return std::string_view("\"'<>|;,()[]{}\n\r\t:").find(c) != std::string_view::npos || c == ' ' || c == '\\';
}

bool mayPrecedePath(char c)
{
    return !isWordCharacter(c) && c != '/' && c != '.' && c != '~' && c != ')' && c != ']' && c != '-';
}

std::size_t keyEnd(std::string_view text, std::size_t at)
{
    while (at < text.size() && isKeyCharacter(text[at]))
        ++at;
    return at;
}

/// Where the value of "token: value", "token=value", "\"token\": \"value\"" begins; npos when `at` is no such name.
std::size_t secretValue(std::string_view text, std::size_t at)
{
    for (const std::string_view name : kSecretNames) {
        if (!standsAt(text, at, name))
            continue;
        std::size_t value = at + name.size();
        bool separated = false;
        while (value < text.size() && std::string_view("\"' :=").find(text[value]) != std::string_view::npos) {
            separated |= text[value] == ':' || text[value] == '=';
            ++value;
        }
        if (separated)
            return value;
    }
    constexpr std::string_view kBearer = "Bearer ";
    return standsAt(text, at, kBearer) ? at + kBearer.size() : std::string_view::npos;
}

void replaceWord(std::string& text, std::string_view name, std::string_view replacement)
{
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
        const std::size_t end = at + name.size();
        const bool isWord =
            (at == 0 || !isWordCharacter(text[at - 1])) && (end == text.size() || !isWordCharacter(text[end]));
        if (isWord)
            text.replace(at, name.size(), replacement);
        at += isWord ? replacement.size() : name.size();
    }
}

std::set<std::string> tellingNames(const std::set<std::string>& names)
{
    std::set<std::string> telling;
    for (const std::string& name : names) {
        if (name.size() >= kShortestName && std::find(kCommon.begin(), kCommon.end(), name) == kCommon.end())
            telling.insert(name);
    }
    return telling;
}

} // namespace

Redactor::Redactor(std::set<std::string> hosts, std::set<std::string> users)
    : m_hosts(tellingNames(hosts))
    , m_users(tellingNames(users))
{}

std::string Redactor::text(std::string_view text) const
{
    return withoutNames(withoutKeys(withoutPaths(text)));
}

Json Redactor::json(const Json& value) const
{
    if (value.is_string())
        return text(value.get_ref<const std::string&>());
    Json redacted = value;
    if (value.is_array()) {
        for (Json& item : redacted)
            item = json(item);
    } else if (value.is_object()) {
        redacted = Json::object();
        for (const auto& [key, item] : value.items()) {
            if (std::find(kMachineKeys.begin(), kMachineKeys.end(), key) == kMachineKeys.end())
                redacted[text(key)] = json(item);
        }
    }
    return redacted;
}

std::string Redactor::withoutPaths(std::string_view text) const
{
    std::string redacted;
    for (std::size_t at = 0; at < text.size();) {
        const bool isPath = text[at] == '/' && (at == 0 || mayPrecedePath(text[at - 1])) && at + 1 < text.size() &&
                            text[at + 1] != '/' && !endsPath(text[at + 1]) &&
                            !(at >= 1 && text[at - 1] == ':' && at + 1 < text.size() && text[at + 1] == '/');
        if (!isPath) {
            redacted += text[at++];
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && !endsPath(text[end]))
            ++end;
        std::string_view path = text.substr(at, end - at);
        while (path.size() > 1 && path.back() == '/')
            path.remove_suffix(1);
        redacted += path.substr(path.rfind('/') + 1);
        at = end;
    }
    return redacted;
}

std::string Redactor::withoutKeys(std::string text) const
{
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (at > 0 && isWordCharacter(text[at - 1]))
            continue;
        if (const std::size_t value = secretValue(text, at); value != std::string::npos) {
            text.replace(value, keyEnd(text, value) - value, kRemoved);
            at = value + kRemoved.size() - 1;
            continue;
        }
        for (const KeyForm& form : kKeyForms) {
            if (text.compare(at, form.prefix.size(), form.prefix) != 0)
                continue;
            const std::size_t end = keyEnd(text, at + form.prefix.size());
            if (end - at - form.prefix.size() < form.length)
                continue;
            text.replace(at, end - at, kRemoved);
            at += kRemoved.size() - 1;
            break;
        }
    }
    return text;
}

std::string Redactor::withoutNames(std::string text) const
{
    for (const std::string& host : m_hosts)
        replaceWord(text, host, "host");
    for (const std::string& user : m_users)
        replaceWord(text, user, "user");
    return text;
}

std::vector<std::string> Redactor::names() const
{
    std::set<std::string> names = m_hosts;
    names.insert(m_users.begin(), m_users.end());
    return {names.begin(), names.end()};
}

void Redactor::collectUsers(std::string_view text, std::set<std::string>& users)
{
    for (const std::string_view homes : {"/home/", "/Users/", "~"}) {
        for (std::size_t at = text.find(homes); at != std::string_view::npos; at = text.find(homes, at + 1)) {
            const std::size_t begin = at + homes.size();
            std::size_t end = begin;
            while (end < text.size() && text[end] != '/' && !endsPath(text[end]))
                ++end;
            if (end > begin && (homes != "~" || (end < text.size() && text[end] == '/')))
                users.emplace(text.substr(begin, end - begin));
        }
    }
}

} // namespace paretoscope::core
