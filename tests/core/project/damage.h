// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace paretoscope::core {

inline constexpr int kSoundTrials = 40;

/// A project with trials whose ids follow from their provenance, a profile, a note, and artifacts kept and embedded.
void makeSoundProject(const std::filesystem::path& file);

/// One way to damage a sound project.
struct Damage
{
    const char* name;
    const char* kind;    ///< of the finding that names it
    const char* where;   ///< part of its place
    int trialsSaved = 0; ///< at least
    std::function<void(const std::filesystem::path& file)> plant;
};
const std::vector<Damage>& damages();

/// Runs SQL on a connection without any of the store's protections.
void alter(const std::filesystem::path& file, const std::string& sql);

/// Overwrites all of the first page but the header.
void destroyListOfTables(const std::filesystem::path& file);

void writeFile(const std::filesystem::path& file, const QByteArray& content);

} // namespace paretoscope::core
