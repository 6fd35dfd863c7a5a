// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/submission.h"

#include "core/base/json.h"
#include "core/base/mapped_file.h"

#include <QSaveFile>

namespace paretoscope::jobs {

core::Result<std::optional<Submission>> Submission::read(const std::filesystem::path& file)
{
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
        return std::optional<Submission>();
    PSC_ASSIGN(const std::string text, core::readTextFile(file, std::size_t(1) << 20));
    PSC_ASSIGN(const core::Json json, core::parseJson(text, file.string()));
    const core::Error damaged {core::ErrorCode::Corrupt, file.string() + " is no record of submitted arrays",
                               "look for running arrays with squeue, then take the file away"};
    try {
        if (json.at("schema") != "paretoscope.submission/1")
            return damaged;
        return std::optional(Submission {json.at("name").get<std::string>(), json.at("plan").get<std::string>(),
                                         json.at("complete").get<bool>(),
                                         json.at("arrays").get<std::vector<std::int64_t>>()});
    } catch (const core::Json::exception&) {
        return damaged;
    }
}

core::Status Submission::write(const std::filesystem::path& file) const
{
    const core::Json json {{"schema", "paretoscope.submission/1"},
                           {"name", name},
                           {"plan", plan},
                           {"complete", isComplete},
                           {"arrays", arrays}};
    QSaveFile save(QString::fromStdString(file.string()));
    if (!save.open(QIODevice::WriteOnly) || save.write(QByteArray::fromStdString(json.dump() + '\n')) < 0 ||
        !save.commit())
        return core::Error {core::ErrorCode::Io,
                            "cannot write " + file.string() + ": " + save.errorString().toStdString(),
                            "check the permissions and the free space of the folder"};
    return core::success();
}

std::vector<ArrayPart> arrayParts(const std::vector<int>& shards, int maxArraySize)
{
    std::vector<ArrayPart> parts;
    for (const int shard : shards) {
        const int first = shard / maxArraySize * maxArraySize;
        if (parts.empty() || parts.back().first != first)
            parts.push_back({first, {}});
        parts.back().indices.push_back(shard - first);
    }
    return parts;
}

std::string arrayText(const std::vector<int>& indices, int atOnce)
{
    std::string text;
    for (std::size_t i = 0; i < indices.size();) {
        std::size_t last = i;
        while (last + 1 < indices.size() && indices[last + 1] == indices[last] + 1)
            ++last;
        text += (text.empty() ? "" : ",") + std::to_string(indices[i]);
        if (last > i)
            text += '-' + std::to_string(indices[last]);
        i = last + 1;
    }
    return atOnce > 0 ? text + '%' + std::to_string(atOnce) : text;
}

} // namespace paretoscope::jobs
