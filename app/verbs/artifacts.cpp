// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/artifact/artifacts.h"
#include "app/format/number.h"
#include "app/format/table.h"
#include "app/format/text.h"
#include "app/verbs/project_argument.h"

#include <algorithm>
#include <map>
#include <set>

namespace paretoscope::app {

namespace {

using core::ArtifactState;
using core::StoredArtifact;

/// The first trials that have it, by label.
std::string ownersText(const StoredArtifact& stored, const std::map<core::TrialId, std::string>& labels)
{
    if (stored.trials.empty())
        return "no trial";
    const auto label = labels.find(stored.trials.front());
    std::string text = label == labels.end() ? stored.trials.front().hex().substr(0, 12) : label->second;
    if (stored.trials.size() > 1)
        text += " and " + std::to_string(stored.trials.size() - 1) + " more";
    return text;
}

core::Json documentOf(const StoredArtifact& stored)
{
    core::Json trials = core::Json::array();
    for (const core::TrialId& trial : stored.trials)
        trials.push_back(trial.hex());
    return {{"sha256", stored.artifact.sha256},
            {"kind", stored.artifact.kind},
            {"role", stored.artifact.role},
            {"bytes", stored.artifact.bytes},
            {"trials", trials},
            {"state", artifactStateName(stored.state)},
            {"recorded", stored.recordedUtc}};
}

core::Bytes sizeOf(const std::vector<StoredArtifact>& artifacts)
{
    core::Bytes bytes;
    for (const StoredArtifact& stored : artifacts) {
        if (stored.state != ArtifactState::Dropped)
            bytes += core::Bytes {stored.artifact.bytes};
    }
    return bytes;
}

class ArtifactsVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& project = options.text("PROJECT", "", m_path, "The project file (*.pscope).");
        project.kind = ValueKind::Project;
        project.required = true;
        declareWhere(options, m_where);
        options.flag("--drop", m_drop,
                     "Delete the chosen ones; whatever needs one later computes its trial again and says so first.");
        options.flag("--embed", m_embed, "Move the chosen ones into the project file.");
        options.flag("--keep", m_keep, "Move the chosen embedded ones out again, beside the project.");
        options.custom("--limit", "SIZE", "Drop the oldest ones until all together take no more than this.",
                       [this](const std::string& text) -> core::Status {
                           PSC_ASSIGN(m_limit, readBytes(text));
                           return core::success();
                       });
        options.flag("--collect", m_collect,
                     "Delete files in the project's folder that nothing refers to, never one that is referred to.");
    }

    Outcome run(Session& session) override
    {
        const int actions = int(m_drop) + int(m_embed) + int(m_keep) + int(m_limit.has_value()) + int(m_collect);
        if (actions > 1)
            return Outcome::usage("--drop, --embed, --keep, --limit and --collect exclude each other",
                                  "give one of them at a time");
        if (m_collect)
            return collect(session);
        const auto store = core::ProjectStore::open(m_path, core::OpenMode::ReadOnly);
        if (!store.ok())
            return {store.error(), ErrorSource::Project};
        auto artifacts = store.value().artifacts();
        auto trials = store.value().trials();
        if (!artifacts.ok() || !trials.ok())
            return {artifacts.ok() ? trials.error() : artifacts.error(), ErrorSource::Project};
        std::map<core::TrialId, std::string> labels;
        for (const core::TrialRecord& trial : trials.value())
            labels[trial.id] = trial.label;
        if (!m_where.empty()) {
            const auto chosen = filtered(std::move(trials).value(), m_where);
            if (!chosen.ok())
                return {chosen.error(), ErrorSource::Arguments};
            keepOnly(artifacts.value(), chosen.value());
        }
        if (actions > 0)
            return move(artifacts.value(), session);
        print(artifacts.value(), labels, session);
        return ExitStatus::Done;
    }

private:
    static void keepOnly(std::vector<StoredArtifact>& artifacts, const std::vector<core::TrialRecord>& trials)
    {
        std::set<core::TrialId> ids;
        for (const core::TrialRecord& trial : trials)
            ids.insert(trial.id);
        std::erase_if(artifacts, [&](const StoredArtifact& stored) {
            return std::none_of(stored.trials.begin(), stored.trials.end(),
                                [&](const core::TrialId& trial) { return ids.contains(trial); });
        });
    }

    ArtifactState target() const
    {
        return m_embed ? ArtifactState::Embedded : m_keep ? ArtifactState::Kept : ArtifactState::Dropped;
    }

    Outcome move(const std::vector<StoredArtifact>& artifacts, Session& session) const
    {
        std::vector<std::string> hashes;
        core::Bytes total = sizeOf(artifacts);
        for (const StoredArtifact& stored : artifacts) { // in order of recording
            if (m_limit && (total <= *m_limit || stored.state == ArtifactState::Dropped))
                continue;
            hashes.push_back(stored.artifact.sha256);
            total = total - core::Bytes {stored.artifact.bytes};
        }
        const auto moved = core::moveArtifacts(m_path, hashes, target());
        if (!moved.ok())
            return {moved.error(), ErrorSource::Project};
        const core::ArtifactChange& change = moved.value();
        if (session.common.json) {
            session.console.document({{"schema", "paretoscope.artifacts/1"},
                                      {"project", m_path},
                                      {"state", artifactStateName(target())},
                                      {"changed", change.changed},
                                      {"unchanged", change.unchanged},
                                      {"bytes", change.bytes.value}});
            return ExitStatus::Done;
        }
        session.console.line(
            counted(change.changed, "artifact") + " (" + decimalBytes(change.bytes.value) + ") " +
            std::string(artifactStateName(target())) +
            (change.unchanged > 0 ? ", " + std::to_string(change.unchanged) + " left as they are" : ""));
        if (target() == ArtifactState::Dropped && change.changed > 0)
            session.console.note("another metric of these trials now costs compressing them again");
        return ExitStatus::Done;
    }

    Outcome collect(Session& session) const
    {
        const auto collected = core::collectArtifacts(m_path);
        if (!collected.ok())
            return {collected.error(), ErrorSource::Project};
        const core::ArtifactCollection& collection = collected.value();
        if (session.common.json) {
            session.console.document({{"schema", "paretoscope.artifacts/1"},
                                      {"project", m_path},
                                      {"files_deleted", collection.files},
                                      {"bytes", collection.bytes.value},
                                      {"missing", collection.missing}});
            return ExitStatus::Done;
        }
        session.console.line(counted(collection.files, "file") + " (" + decimalBytes(collection.bytes.value) +
                             ") that nothing refers to deleted");
        if (collection.missing > 0)
            session.console.note(counted(collection.missing, "artifact") +
                                 " said to be kept had no file; marked as dropped");
        return ExitStatus::Done;
    }

    void print(const std::vector<StoredArtifact>& artifacts, const std::map<core::TrialId, std::string>& labels,
               Session& session) const
    {
        if (session.common.json) {
            core::Json list = core::Json::array();
            for (const StoredArtifact& stored : artifacts)
                list.push_back(documentOf(stored));
            session.console.document({{"schema", "paretoscope.artifacts/1"},
                                      {"project", m_path},
                                      {"bytes", sizeOf(artifacts).value},
                                      {"artifacts", std::move(list)}});
            return;
        }
        if (artifacts.empty()) {
            session.console.note("no artifacts in " + m_path);
            return;
        }
        TextTable table({{"sha256"}, {"size", true}, {"state"}, {"what"}, {"of", false, true}});
        for (const StoredArtifact& stored : artifacts)
            table.addRow({stored.artifact.sha256.substr(0, 12), decimalBytes(stored.artifact.bytes),
                          std::string(artifactStateName(stored.state)), printable(stored.artifact.kind),
                          printable(ownersText(stored, labels))},
                         stored.state == ArtifactState::Dropped ? Emphasis::Faint : Emphasis::None);
        session.console.write(table.text(session.console.outStream()));
        session.console.note(counted(static_cast<std::int64_t>(artifacts.size()), "artifact") + ", " +
                             decimalBytes(sizeOf(artifacts).value) + " on the disk");
    }

    std::string m_path;
    std::string m_where;
    std::optional<core::Bytes> m_limit;
    bool m_drop = false;
    bool m_embed = false;
    bool m_keep = false;
    bool m_collect = false;
};

} // namespace

VerbEntry artifactsVerb()
{
    return {.name = "artifacts",
            .summary = "list, drop, embed or keep the compressed models of a project",
            .usage = "PROJECT [--where EXPR] [options]",
            .description =
                "A sweep keeps the compressed model of each finished trial beside the project, in "
                "PROJECT.artifacts, under its hash: a metric that is added later is measured from it. Without an "
                "option the artifacts are listed.\n"
                "  paretoscope artifacts demo.pscope\n"
                "  paretoscope artifacts demo.pscope --where 'perplexity > 100' --drop\n"
                "  paretoscope artifacts demo.pscope --limit 2GB",
            .make = makeVerb<ArtifactsVerb>};
}

} // namespace paretoscope::app
