// SPDX-License-Identifier: Apache-2.0
#include "roofline/devices/known_devices.h"
#include "roofline/measured/machine_files.h"
#include "tests/roofline/planted_machine.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::roofline;

namespace {

/// A device of 100 GB/s unless told.
HardwareSpec card(const char* name, double bandwidth = 100e9)
{
    HardwareSpec spec;
    spec.name = name;
    spec.bandwidthBytesPerSecond = bandwidth;
    return spec;
}

MachineProfile machineOf(const char* name, const char* measuredUtc)
{
    MachineProfile machine = test::plantedMachine();
    machine.name = name;
    machine.measuredUtc = measuredUtc;
    return machine;
}

core::MachineRecord recordOf(const MachineProfile& machine)
{
    return {.name = machine.name, .profile = machine.json()};
}

/// Files of a user and what a project keeps.
struct Known
{
    QTemporaryDir folder;
    DeviceFiles files {.resources = PARETOSCOPE_RESOURCES, .own = path("hardware.csv"), .machines = path("machines")};
    std::vector<core::DeviceRecord> devices = {};
    std::vector<core::MachineRecord> machines = {};
    QStringList problems = {}; ///< of the last list()

    std::filesystem::path path(const char* name) const
    {
        return folder.filePath(QString::fromLatin1(name)).toStdString();
    }
    DeviceList list()
    {
        problems.clear();
        const auto tell = [this](const core::Error& error) { problems << QString::fromStdString(error.sentence()); };
        DeviceList known = devicesOf(files, tell);
        addProjectDevices(known, devices, machines, tell);
        return known;
    }
};

void write(const std::filesystem::path& file, const std::string& text)
{
    QFile out(QString::fromStdString(file.string()));
    QVERIFY(out.open(QIODevice::WriteOnly));
    out.write(QByteArray::fromStdString(text));
}

int originOf(const DeviceList& list, const char* name)
{
    const Device* found = list.find(name);
    return found ? int(found->origin) : -1;
}

} // namespace

class TstKnownDevices : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void bundledOnesAreKnownWithoutAnyFile()
    {
        Known known;
        const DeviceList list = known.list();
        QCOMPARE(list.all().size(), std::size_t(100));
        QCOMPARE(originOf(list, "nvidia l4"), int(DeviceOrigin::Bundled));
        QVERIFY(known.problems.isEmpty());
    }

    void filesOfTheUserTakeThePlaceOfEarlierOnes()
    {
        Known known;
        write(known.files.own, hardwareCsv({card("NVIDIA L4", 1e9), card("mine", 2e9)}));
        known.files.further = {known.path("more.csv"), known.path("elsewhere.json")};
        write(known.files.further[0], hardwareCsv({card("Mine", 3e9)}));
        write(known.files.further[1], machineOf("planted", "2025-02-02T00:00:00.000Z").json().dump());
        QVERIFY(keepMachineProfile(machineOf("planted", "2025-01-01T00:00:00.000Z"), known.files.machines).ok());
        const DeviceList list = known.list();
        QVERIFY2(known.problems.isEmpty(), qPrintable(known.problems.join(QLatin1Char('\n'))));
        QCOMPARE(list.all().size(), std::size_t(102));
        QCOMPARE(originOf(list, "NVIDIA L4"), int(DeviceOrigin::Own));
        QCOMPARE(list.find("mine")->spec.bandwidthBytesPerSecond, 3e9);
        QCOMPARE(originOf(list, "planted"), int(DeviceOrigin::Machine));
        QCOMPARE(list.find("planted")->machine->measuredUtc, std::string("2025-02-02T00:00:00.000Z"));
    }

    void projectsNeverChangeWhatANameMeans_data()
    {
        QTest::addColumn<QByteArray>("theirs");
        QTest::addColumn<double>("bandwidth");
        QTest::addColumn<QByteArray>("name"); // under which it is found; none: it is not there
        QTest::addColumn<QByteArray>("ours"); // what the user's own is called still
        QTest::addRow("another name") << QByteArray("theirs") << 1e9 << QByteArray("theirs") << QByteArray("mine");
        QTest::addRow("the same device") << QByteArray("mine") << 5e9 << QByteArray() << QByteArray("mine");
        QTest::addRow("other numbers") << QByteArray("mine") << 1e9 << QByteArray("mine (project)")
                                       << QByteArray("mine");
        QTest::addRow("another case") << QByteArray("MINE") << 1e9 << QByteArray("MINE (project)")
                                      << QByteArray("mine");
    }
    void projectsNeverChangeWhatANameMeans()
    {
        QFETCH(QByteArray, theirs);
        QFETCH(double, bandwidth);
        QFETCH(QByteArray, name);
        QFETCH(QByteArray, ours);
        Known known;
        write(known.files.own, hardwareCsv({card("mine", 5e9)}));
        known.devices = {deviceRecordOf(card(theirs.constData(), bandwidth))};
        const DeviceList list = known.list();
        const Device* own = list.find(ours.constData());
        QVERIFY(own);
        QCOMPARE(int(own->origin), int(DeviceOrigin::Own));
        QCOMPARE(own->spec.bandwidthBytesPerSecond, 5e9);
        QCOMPARE(list.all().size(), std::size_t(name.isEmpty() ? 101 : 102));
        if (name.isEmpty())
            return;
        const Device& brought = list.all().back();
        QCOMPARE(brought.spec.name, name.toStdString());
        QCOMPARE(brought.keptName, theirs.toStdString());
        QCOMPARE(brought.spec.bandwidthBytesPerSecond, bandwidth);
        QCOMPARE(int(brought.origin), int(DeviceOrigin::Project));
    }

    void machinesOfAProjectStandBesideThoseOfTheUser()
    {
        Known known;
        const MachineProfile mine = machineOf("planted", "2025-01-01T00:00:00.000Z");
        QVERIFY(keepMachineProfile(mine, known.files.machines).ok());
        known.machines = {recordOf(mine), recordOf(machineOf("far", "2025-01-01T00:00:00.000Z"))};
        QCOMPARE(known.list().all().size(), std::size_t(102)); // the same one stands once
        known.machines = {recordOf(machineOf("planted", "2025-03-03T00:00:00.000Z"))};
        const DeviceList list = known.list();
        QCOMPARE(originOf(list, "planted"), int(DeviceOrigin::Machine));
        QCOMPARE(originOf(list, "planted (project)"), int(DeviceOrigin::ProjectMachine));
    }

    void theTableHasAllOfThem()
    {
        Known known;
        known.devices = {deviceRecordOf(card("NVIDIA L4"))};
        const DeviceList list = known.list();
        const HardwareTable table = list.table();
        QCOMPARE(table.all().size(), list.all().size());
        QCOMPARE(table.all().back().name, std::string("NVIDIA L4 (project)"));
        QVERIFY(table.find("NVIDIA L4").value()->bandwidthBytesPerSecond > 100e9);
    }

    void whatCannotBeReadIsToldAndTheRestIsKnown_data()
    {
        QTest::addColumn<QByteArray>("what");
        QTest::addColumn<QByteArray>("told");
        QTest::addRow("own file") << QByteArray("own") << QByteArray("hardware.csv: unknown column \"speed\"");
        QTest::addRow("named file") << QByteArray("named") << QByteArray("none.csv");
        QTest::addRow("own machine") << QByteArray("machine") << QByteArray("broken.json");
        QTest::addRow("device of the project")
            << QByteArray("project device")
            << QByteArray("device odd of the project: the device: bandwidth_GBps \"NaN\"");
        QTest::addRow("machine of the project")
            << QByteArray("project machine") << QByteArray("machine profile broken of the project");
    }
    void whatCannotBeReadIsToldAndTheRestIsKnown()
    {
        QFETCH(QByteArray, what);
        QFETCH(QByteArray, told);
        Known known;
        if (what == "own")
            write(known.files.own, "name,speed\nx,1\n");
        if (what == "named")
            known.files.further = {known.path("none.csv")};
        if (what == "machine") {
            QVERIFY(QDir().mkpath(QString::fromStdString(known.files.machines.string())));
            write(known.files.machines / "broken.json", "{}");
        }
        if (what == "project device")
            known.devices = {{.name = "odd", .cells = {{"name", "odd"}, {"bandwidth_GBps", "NaN"}}}};
        if (what == "project machine")
            known.machines = {{.name = "broken", .profile = {{"schema", "something"}}}};
        const DeviceList list = known.list();
        QCOMPARE(list.all().size(), std::size_t(100));
        QCOMPARE(known.problems.size(), 1);
        QVERIFY2(known.problems[0].contains(QString::fromUtf8(told)), qPrintable(known.problems[0]));
    }
};

QTEST_GUILESS_MAIN(TstKnownDevices)
#include "tst_known_devices.moc"
