// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"

#include "core/project/project_store.h"

#include <QDir>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

#define VERIFY_OK(result) QVERIFY2((result).ok(), (result).ok() ? "" : (result).error().sentence().c_str())

class TstProjectCopy : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_file = path("demo.pscope");
        Result<ProjectStore> store = ProjectStore::open(m_file, OpenMode::Create);
        VERIFY_OK(store);
        m_writer.emplace(std::move(store).value());
        VERIFY_OK(m_writer->finishTrial(sampleTrial(1)));
        VERIFY_OK(m_writer->finishTrial(sampleTrial(2)));
    }
    void cleanup() { m_writer.reset(); }

    void copyHoldsAllWhileTheProjectIsWritten_data()
    {
        QTest::addColumn<bool>("byReader");
        QTest::addRow("by the writer") << false;
        QTest::addRow("by a reader beside it") << true;
    }
    void copyHoldsAllWhileTheProjectIsWritten()
    {
        QFETCH(bool, byReader);
        const auto copy = path("copy.pscope");
        if (byReader) {
            const Result<ProjectStore> reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
            VERIFY_OK(reader);
            VERIFY_OK(reader.value().copyTo(copy));
        } else {
            VERIFY_OK(m_writer->copyTo(copy));
        }
        VERIFY_OK(m_writer->finishTrial(sampleTrial(3))); // goes on, and is not in the copy
        const Result<ProjectStore> copied = ProjectStore::open(copy, OpenMode::ReadWrite);
        VERIFY_OK(copied);
        const auto trials = copied.value().trials();
        VERIFY_OK(trials);
        QCOMPARE(trials.value().size(), 2u);
        const auto complete = copied.value().trial(sampleId(2));
        VERIFY_OK(complete);
        QVERIFY(sameTrial(complete.value(), sampleTrial(2)));
    }

    void copyReplacesAnOlderOne()
    {
        const auto copy = path("copy.pscope");
        VERIFY_OK(m_writer->copyTo(copy));
        VERIFY_OK(m_writer->finishTrial(sampleTrial(3)));
        VERIFY_OK(m_writer->copyTo(copy));
        const Result<ProjectStore> copied = ProjectStore::open(copy, OpenMode::ReadOnly);
        VERIFY_OK(copied);
        QCOMPARE(copied.value().trials().value().size(), 3u);
    }

    void copyOntoAProjectInUseIsRefused()
    {
        QCOMPARE(m_writer->copyTo(m_file).error().code, ErrorCode::InvalidArgument);
        Result<ProjectStore> other = ProjectStore::open(path("other.pscope"), OpenMode::Create);
        VERIFY_OK(other);
        VERIFY_OK(other.value().finishTrial(sampleTrial(7)));
        QCOMPARE(m_writer->copyTo(path("other.pscope")).error().code, ErrorCode::Busy);
        VERIFY_OK(other.value().trial(sampleId(7)));
    }

    void failedCopyLeavesNothing()
    {
        const Status copied = m_writer->copyTo(path("no such folder") / "copy.pscope");
        QVERIFY(!copied.ok());
        QCOMPARE(copied.error().code, ErrorCode::NotFound);
        QCOMPARE(QDir(m_folder->path()).entryList({QStringLiteral("*.tmp*")}).size(), 0);
    }

private:
    std::filesystem::path path(const char* name) const
    {
        return std::filesystem::path(m_folder->path().toStdString()) / name;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
    std::optional<ProjectStore> m_writer;
};

QTEST_GUILESS_MAIN(TstProjectCopy)
#include "tst_project_copy.moc"
