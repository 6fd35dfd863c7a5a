// SPDX-License-Identifier: Apache-2.0
#include "scripted_run.h"

#include "sample_records.h"

#include "core/project/project_store.h"

#include <array>
#include <optional>

namespace paretoscope::core {

namespace {

Status addRating(Database& database)
{
    return database.execute("ALTER TABLE note ADD COLUMN rating INTEGER NOT NULL DEFAULT 0");
}

/// Runs steps on one store and gathers their errors.
class Script
{
public:
    explicit Script(std::filesystem::path file)
        : m_file(std::move(file))
    {}

    /// Whether it went well, the second time at the latest.
    bool attempt(const std::function<Status(ProjectStore&)>& step)
    {
        for (int tries = 0; m_store && tries < 2; ++tries) {
            const Status status = step(*m_store);
            if (status.ok())
                return true;
            m_errors.push_back(status.error());
        }
        return false;
    }

    void open(OpenMode mode, const StoreEnvironment& environment)
    {
        for (int tries = 0; !m_store && tries < 2; ++tries) {
            Result<ProjectStore> store = ProjectStore::open(m_file, mode, environment);
            if (store.ok())
                m_store = std::move(store).value();
            else
                m_errors.push_back(store.error());
        }
    }
    void close() { m_store.reset(); }

    std::vector<Error> errors() && { return std::move(m_errors); }

private:
    std::filesystem::path m_file;
    std::optional<ProjectStore> m_store;
    std::vector<Error> m_errors;
};

void runTrial(Script& script, int number, const std::function<void(int)>& finished)
{
    script.attempt([number](ProjectStore& store) {
        TrialRecord running = sampleTrial(number);
        running.status = TrialStatus::Running;
        running.finishedUtc.clear();
        return store.recordTrials({running});
    });
    if (script.attempt([number](ProjectStore& store) { return store.finishTrial(sampleTrial(number)); }))
        finished(number);
    script.attempt([number](ProjectStore& store) {
        return store.recordEvent({"2024-05-17T03:12:22.000Z", "info", "trial_finished", sampleId(number).hex(), ""});
    });
}

} // namespace

StoreEnvironment scriptEnvironment(JournalKind journal, bool migrated)
{
    static const std::array<Migration, 2> steps {
        migrations()[0], Migration {.version = 2, .programVersion = "9.9.9", .apply = addRating}};
    return {.steps = std::span(steps).first(migrated ? 2 : 1),
            .networkFileSystem = journal == JournalKind::Rollback,
            .patience = std::chrono::milliseconds(50)};
}

std::vector<Error> scriptedRun(const std::filesystem::path& file, JournalKind journal,
                               const std::function<void(int)>& finished)
{
    Script script(file);
    script.open(OpenMode::Create, scriptEnvironment(journal, false));
    script.attempt([](ProjectStore& store) { return store.recordWorkload(sampleWorkload()); });
    script.attempt([](ProjectStore& store) {
        return store.recordSweep("demo", "paretoscope: 1", {sampleId(0), sampleId(1), sampleId(2)});
    });
    for (int number = 0; number < kScriptTrials - 1; ++number)
        runTrial(script, number, finished);
    script.close();
    script.open(OpenMode::Create, scriptEnvironment(journal, true));
    script.attempt([](ProjectStore& store) {
        const auto interrupted = store.interruptRunningTrials();
        return interrupted.ok() ? success() : Status(interrupted.error());
    });
    runTrial(script, kScriptTrials - 1, finished);
    script.attempt([](ProjectStore& store) {
        const auto trials = store.trials();
        return trials.ok() ? success() : Status(trials.error());
    });
    script.close();
    return std::move(script).errors();
}

} // namespace paretoscope::core
