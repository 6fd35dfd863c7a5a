// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/merge.h"
#include "core/project/project_store.h"
#include "core/project/roofline_point.h"
#include "core/project/share/share.h"
#include "core/project/subset.h"
#include "core/project/verify.h"
#include "sample_records.h"
#include "verify_ok.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

namespace {

using Path = std::filesystem::path;

RooflinePoint samplePoint(int trial, const char* phase = "decode")
{
    RooflinePoint point;
    point.trial = sampleId(trial);
    point.hardware = "NVIDIA L4";
    point.mode = "accurate";
    point.phase = phase;
    point.operation = "total";
    point.settings = {{"load", {{"batch", 1}, {"prompt", 1024}}}, {"inputs_sha256", std::string(64, 'a')}};
    point.operations = 2.5e9;
    point.memoryBytes = 1.25e9;
    point.operationsPerSecond = 6e11;
    point.bound = "memory";
    point.seconds = 0.004;
    return point;
}

} // namespace

class TstRooflinePoints : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void pointReadsBackEqual()
    {
        ProjectStore store = project("a");
        const auto recorded = store.recordPredictions(std::vector {samplePoint(1, "prefill"), samplePoint(1)});
        VERIFY_OK(recorded);
        QCOMPARE(recorded.value(), 2);
        const auto points = store.rooflinePoints();
        VERIFY_OK(points);
        QCOMPARE(points.value().size(), 2u);
        const RooflinePoint& read = points.value().back();
        const RooflinePoint wanted = samplePoint(1);
        QVERIFY(read.trial == wanted.trial);
        QCOMPARE(read.hardware, wanted.hardware);
        QCOMPARE(read.mode, wanted.mode);
        QCOMPARE(read.phase, wanted.phase);
        QCOMPARE(read.operation, wanted.operation);
        QCOMPARE(read.settings, wanted.settings);
        QCOMPARE(read.operations, wanted.operations);
        QCOMPARE(read.memoryBytes, wanted.memoryBytes);
        QCOMPARE(read.operationsPerSecond, wanted.operationsPerSecond);
        QCOMPARE(read.bound, wanted.bound);
        QCOMPARE(read.seconds, wanted.seconds);
        QVERIFY(!read.measured);
        QVERIFY(!read.recordedUtc.empty());
    }

    void onlyOtherInputsAreRecordedAgain_data()
    {
        QTest::addColumn<QString>("what");
        QTest::addColumn<int>("recorded");
        QTest::addColumn<int>("kept");
        QTest::addRow("the same again") << QStringLiteral("same") << 0 << 1;
        QTest::addRow("other inputs") << QStringLiteral("inputs") << 1 << 1; // the old ones give way
        QTest::addRow("another load") << QStringLiteral("load") << 1 << 2;
        QTest::addRow("another device") << QStringLiteral("device") << 1 << 2;
        QTest::addRow("another trial") << QStringLiteral("trial") << 1 << 2;
    }
    void onlyOtherInputsAreRecordedAgain()
    {
        QFETCH(QString, what);
        QFETCH(int, recorded);
        QFETCH(int, kept);
        ProjectStore store = project("a");
        VERIFY_OK(store.recordPredictions(std::vector {samplePoint(1)}));
        RooflinePoint next = samplePoint(what == QLatin1String("trial") ? 2 : 1);
        if (what == QLatin1String("inputs"))
            next.settings["inputs_sha256"] = std::string(64, 'b');
        if (what == QLatin1String("load"))
            next.settings["load"]["batch"] = 8;
        if (what == QLatin1String("device"))
            next.hardware = "NVIDIA L40S";
        next.seconds = 0.005;
        const auto again = store.recordPredictions(std::vector {next});
        VERIFY_OK(again);
        QCOMPARE(again.value(), recorded);
        const auto points = store.rooflinePoints();
        QCOMPARE(int(points.value().size()), kept);
        QCOMPARE(points.value().back().seconds.value(), recorded == 1 ? 0.005 : 0.004);
    }

    void refusesAnUnknownTrial()
    {
        ProjectStore store = project("a");
        const auto recorded = store.recordPredictions(std::vector {samplePoint(1), samplePoint(77)});
        QVERIFY(!recorded.ok());
        QCOMPARE(recorded.error().code, ErrorCode::NotFound);
        QVERIFY(store.rooflinePoints().value().empty()); // all or none
    }

    void mergeTakesPointsOnce()
    {
        VERIFY_OK(project("a").recordPredictions(std::vector {samplePoint(1)}));
        VERIFY_OK(project("b").recordPredictions(std::vector {samplePoint(1), samplePoint(2)}));
        VERIFY_OK(mergeProjects(std::vector<Path> {path("a"), path("b")}, path("c"), false));
        const auto merged = ProjectStore::open(path("c"), OpenMode::ReadOnly);
        VERIFY_OK(merged);
        QCOMPARE(merged.value().rooflinePoints().value().size(), 2u);
    }

    void copiesKeepPoints()
    {
        VERIFY_OK(project("a").recordPredictions(std::vector {samplePoint(1), samplePoint(2)}));
        VERIFY_OK(shareProject(path("a"), path("shared"), false));
        const auto shared = ProjectStore::open(path("shared"), OpenMode::ReadOnly);
        VERIFY_OK(shared);
        QCOMPARE(shared.value().rooflinePoints().value().size(), 2u);
        QCOMPARE(shared.value().rooflinePoints().value().front().settings, samplePoint(1).settings);
        VERIFY_OK(exportSubset(shared.value(), std::vector {sampleId(2)}, path("subset")));
        const auto subset = ProjectStore::open(path("subset"), OpenMode::ReadOnly);
        QCOMPARE(subset.value().rooflinePoints().value().size(), 1u);
        const auto report = verifyProject(path("subset"));
        VERIFY_OK(report);
        QVERIFY(report.value().findings.empty());
    }

private:
    Path path(const char* name) const
    {
        return (m_folder->path() + QLatin1Char('/') + QLatin1String(name) + QStringLiteral(".pscope")).toStdString();
    }
    /// With the sample trials 1 and 2.
    ProjectStore project(const char* name) const
    {
        ProjectStore store = ProjectStore::open(path(name), OpenMode::Create).value();
        if (!store.recordWorkload(sampleWorkload()).ok() || !store.finishTrial(sampleTrial(1)).ok() ||
            !store.finishTrial(sampleTrial(2)).ok())
            qFatal("the sample project could not be written");
        return store;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstRooflinePoints)
#include "tst_roofline_points.moc"
