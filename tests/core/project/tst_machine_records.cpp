// SPDX-License-Identifier: Apache-2.0
// Machine profiles and users' devices in a project.
#include "core/project/device_record.h"
#include "core/project/machine_record.h"
#include "core/project/merge/merge.h"
#include "core/project/project_store.h"
#include "core/project/share/share.h"
#include "core/project/verify.h"
#include "verify_ok.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

namespace {

using Path = std::filesystem::path;

MachineRecord sampleMachine(const char* name, double bandwidth)
{
    return {
        .name = name,
        .profile = {{"schema", "paretoscope.machine-profile/1"}, {"bandwidth", bandwidth}},
        .parts =
            {{.phase = "decode",
              .operation = "q_proj",
              .settings = {{"batch", 8}},
              .operations = 2e6,
              .memoryBytes = 4e6,
              .seconds = 0.001},
             {.phase = "decode", .operation = "attention", .operations = 1e6, .memoryBytes = 1e6, .seconds = 0.002}},
        .recordedUtc = "2025-01-31T10:00:00.000Z"};
}

DeviceRecord sampleDevice(const char* name, const char* bandwidth, const char* time)
{
    return {.name = name, .cells = {{"name", name}, {"bandwidth_GBps", bandwidth}}, .recordedUtc = time};
}

} // namespace

class TstMachineRecords : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void profileReadsBackEqual()
    {
        ProjectStore store = project("a");
        VERIFY_OK(store.recordMachine(sampleMachine("local", 1e10)));
        VERIFY_OK(store.recordMachine(sampleMachine("node", 2e10)));
        const auto machines = store.machines();
        VERIFY_OK(machines);
        QCOMPARE(machines.value().size(), 2u);
        QCOMPARE(machines.value()[0].name, std::string("local"));
        QCOMPARE(machines.value()[1].profile, sampleMachine("node", 2e10).profile);
        QCOMPARE(machines.value()[0].recordedUtc, std::string("2025-01-31T10:00:00.000Z"));
        expectSound("a");
    }

    void measuredAgainReplaces()
    {
        ProjectStore store = project("a");
        VERIFY_OK(store.recordMachine(sampleMachine("local", 1e10)));
        VERIFY_OK(store.recordMachine(sampleMachine("node", 1e10)));
        MachineRecord later = sampleMachine("local", 3e10);
        later.recordedUtc.clear(); // now
        VERIFY_OK(store.recordMachine(later));
        const auto machines = store.machines();
        VERIFY_OK(machines);
        QCOMPARE(machines.value().size(), 2u);
        QCOMPARE(machines.value()[1].profile, later.profile);
        expectSound("a");
    }

    /// Of machines of one name the one measured last is used.
    void mergeTakesTheNewest()
    {
        MachineRecord newer = sampleMachine("local", 2e10);
        newer.recordedUtc = "2025-02-01T10:00:00.000Z";
        VERIFY_OK(project("a").recordMachine(newer));
        VERIFY_OK(project("b").recordMachine(sampleMachine("local", 1e10)));
        VERIFY_OK(mergeProjects(std::vector<Path> {path("a"), path("b")}, path("c"), false));
        const auto merged = ProjectStore::open(path("c"), OpenMode::ReadOnly);
        VERIFY_OK(merged);
        const auto machines = merged.value().machines();
        VERIFY_OK(machines);
        QCOMPARE(machines.value().size(), 1u);
        QCOMPARE(machines.value()[0].profile, newer.profile);
        expectSound("c");
    }

    void sharedCopyKeepsIt()
    {
        VERIFY_OK(project("a").recordMachine(sampleMachine("local", 1e10)));
        VERIFY_OK(shareProject(path("a"), path("shared"), false));
        const auto shared = ProjectStore::open(path("shared"), OpenMode::ReadOnly);
        VERIFY_OK(shared);
        QCOMPARE(shared.value().machines().value().size(), 1u);
        expectSound("shared");
    }

    void devicesAreReplacedAndRemoved()
    {
        ProjectStore store = project("a");
        VERIFY_OK(store.recordDevice(sampleDevice("mine", "100", "2025-01-31T10:00:00.000Z")));
        VERIFY_OK(store.recordDevice(sampleDevice("other", "50", "2025-01-31T10:00:01.000Z")));
        VERIFY_OK(store.recordDevice(sampleDevice("mine", "200", "2025-01-31T10:00:02.000Z")));
        const auto devices = store.devices();
        VERIFY_OK(devices);
        QCOMPARE(devices.value().size(), 2u);
        QCOMPARE(devices.value()[1].cells, sampleDevice("mine", "200", "").cells);
        QVERIFY(store.machines().value().empty()); // which are rows of the same table
        VERIFY_OK(store.removeDevice("mine"));
        VERIFY_OK(store.removeDevice("never there"));
        const auto left = store.devices();
        VERIFY_OK(left);
        QCOMPARE(left.value().size(), 1u);
        QCOMPARE(left.value()[0].name, std::string("other"));
        expectSound("a");
    }

    void mergeKeepsDevicesOfBoth()
    {
        VERIFY_OK(project("a").recordDevice(sampleDevice("mine", "1", "2025-01-31T10:00:00.000Z")));
        VERIFY_OK(project("b").recordDevice(sampleDevice("yours", "2", "2025-01-31T10:00:01.000Z")));
        VERIFY_OK(mergeProjects(std::vector<Path> {path("a"), path("b")}, path("c"), false));
        const auto merged = ProjectStore::open(path("c"), OpenMode::ReadOnly);
        VERIFY_OK(merged);
        const auto devices = merged.value().devices();
        VERIFY_OK(devices);
        QCOMPARE(devices.value().size(), 2u);
        expectSound("c");
    }

private:
    void expectSound(const char* name) const
    {
        const auto report = verifyProject(path(name));
        VERIFY_OK(report);
        QVERIFY(report.value().findings.empty());
    }

    Path path(const char* name) const
    {
        return (m_folder->path() + QLatin1Char('/') + QLatin1String(name) + QStringLiteral(".pscope")).toStdString();
    }
    ProjectStore project(const char* name) const { return ProjectStore::open(path(name), OpenMode::Create).value(); }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstMachineRecords)
#include "tst_machine_records.moc"
