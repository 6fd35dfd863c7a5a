// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Takes out of texts what tells of the machine and the person rather than of the result:
///   absolute paths keep their last part     /home/ada/models/tiny-llama  ->  tiny-llama
///   names of hosts and users become         host, user
///   keys become                             removed    (hf_..., sk-..., ghp_..., AKIA..., Bearer ..., token=...)
class Redactor
{
public:
    /// @param hosts, users names to replace where they stand as a word of their own
    Redactor(std::set<std::string> hosts, std::set<std::string> users);

    std::string text(std::string_view text) const;
    /// Every text of a document, and in any object the keys that hold a machine's name, a process id or the end of a
    /// log: "host", "pid", "log_tail", "log".
    Json json(const Json& value) const;

    /// The names that are replaced, sorted: those that are no common words.
    std::vector<std::string> names() const;

    /// The user in "/home/ada/x", "/Users/ada", "~ada/x"; for finding the names that a project holds.
    static void collectUsers(std::string_view text, std::set<std::string>& users);

private:
    std::string withoutPaths(std::string_view text) const;
    std::string withoutKeys(std::string text) const;
    std::string withoutNames(std::string text) const;

    std::set<std::string> m_hosts;
    std::set<std::string> m_users;
};

} // namespace paretoscope::core
