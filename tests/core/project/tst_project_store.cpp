// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"

#include "core/project/project_store.h"

#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <limits>

using namespace paretoscope::core;

#define VERIFY_OK(result) QVERIFY2((result).ok(), (result).ok() ? "" : (result).error().sentence().c_str())

class TstProjectStore : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_file = std::filesystem::path(m_folder->path().toStdString()) / "demo project.pscope";
    }

    void finishedTrialReadsBackEqual_data()
    {
        QTest::addColumn<bool>("reopened");
        QTest::addColumn<bool>("readOnly");
        QTest::addRow("from the writer itself") << false << false;
        QTest::addRow("by a reader beside the writer") << false << true;
        QTest::addRow("by the next writer") << true << false;
        QTest::addRow("by a reader of the file at rest") << true << true;
    }
    void finishedTrialReadsBackEqual()
    {
        QFETCH(bool, reopened);
        QFETCH(bool, readOnly);
        std::optional<ProjectStore> writer = create();
        VERIFY_OK(writer->recordWorkload(sampleWorkload()));
        VERIFY_OK(writer->finishTrial(sampleTrial(1)));
        VERIFY_OK(writer->finishTrial(sampleTrial(2)));
        if (reopened)
            writer.reset();
        Result<ProjectStore> other = Error {};
        if (readOnly || reopened)
            other = ProjectStore::open(m_file, readOnly ? OpenMode::ReadOnly : OpenMode::ReadWrite);
        else
            other = std::move(*writer);
        VERIFY_OK(other);
        const auto trial = other.value().trial(sampleId(2));
        VERIFY_OK(trial);
        QVERIFY(sameTrial(trial.value(), sampleTrial(2)));
        const auto trials = other.value().trials();
        VERIFY_OK(trials);
        QCOMPARE(trials.value().size(), 2u);
        TrialRecord withoutLayers = sampleTrial(1);
        withoutLayers.layerMetrics.clear();
        QVERIFY(sameTrial(trials.value().front(), withoutLayers));
        const auto workloads = other.value().workloads();
        VERIFY_OK(workloads);
        QCOMPARE(workloads.value().size(), 1u);
        QCOMPARE(workloads.value().front().modelSha256, sampleWorkload().modelSha256);
        QCOMPARE(workloads.value().front().description, sampleWorkload().description);
    }

private:
    std::optional<ProjectStore> create()
    {
        Result<ProjectStore> store = ProjectStore::open(m_file, OpenMode::Create);
        if (!store.ok())
            qFatal("%s", store.error().sentence().c_str());
        return std::move(store).value();
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
};

QTEST_GUILESS_MAIN(TstProjectStore)
#include "tst_project_store.moc"
