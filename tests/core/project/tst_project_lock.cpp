// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/project_files.h"
#include "core/project/project_store.h"
#include "core/project/writer_lock.h"

#include <QSysInfo>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

class TstProjectLock : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>(folderInMemory());
        m_file = std::filesystem::path(m_folder->path().toStdString()) / "p.pscope";
        m_name = QString::fromStdString(m_file.string());
    }

    void secondWriterLearnsWhoHoldsTheProject()
    {
        SecondProcess holder({QStringLiteral("hold"), m_name});
        QCOMPARE(holder.line(), QStringLiteral("ready"));
        const auto refused = ProjectStore::open(m_file, OpenMode::ReadWrite);
        VERIFY_ERROR(refused, ErrorCode::Busy);
        const QString message = QString::fromStdString(refused.error().message);
        QVERIFY2(message.contains(QStringLiteral("process %1 ").arg(holder.id())), qPrintable(message));
        QVERIFY2(message.contains(QStringLiteral("writer_process on ") + QSysInfo::machineHostName()),
                 qPrintable(message));
        QVERIFY2(message.contains(QRegularExpression(QStringLiteral("started 2\\d{3}-\\d\\d-\\d\\dT"))),
                 qPrintable(message));
        QVERIFY(holder.finish());
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::ReadWrite));
    }

    void lockOfAKilledHolderIsFree()
    {
        SecondProcess holder({QStringLiteral("hold"), m_name});
        QCOMPARE(holder.line(), QStringLiteral("ready"));
        const std::filesystem::path lock = ProjectFiles::of(m_file).lock;
        QVERIFY(WriterLock::isHeld(lock));
        QVERIFY(WriterLock::isHeld(lock)); // looking does not take it away
        holder.kill();
        QVERIFY(std::filesystem::exists(lock)); // its text is left, its lock is not
        QVERIFY(!WriterLock::isHeld(lock));
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::ReadWrite));
        QCOMPARE(contentOf(m_file.parent_path()).size(), 1u);
    }

    void oneProcessCannotWriteTwice()
    {
        const auto first = ProjectStore::open(m_file, OpenMode::Create);
        VERIFY_OK(first);
        VERIFY_ERROR(ProjectStore::open(m_file, OpenMode::ReadWrite), ErrorCode::Busy);
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::ReadOnly));
    }

    void everyNameOfAProjectHasOneLock()
    {
        const auto store = ProjectStore::open(m_file, OpenMode::Create);
        VERIFY_OK(store);
        const auto link = m_file.parent_path() / "link.pscope";
        std::filesystem::create_symlink(m_file, link);
        VERIFY_ERROR(ProjectStore::open(link, OpenMode::ReadWrite), ErrorCode::Busy);
    }

    void hardLinkedProjectIsNotWritten()
    {
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::Create));
        const auto link = m_file.parent_path() / "link.pscope";
        std::filesystem::create_hard_link(m_file, link);
        VERIFY_ERROR(ProjectStore::open(link, OpenMode::ReadWrite), ErrorCode::Unsupported);
        VERIFY_OK(ProjectStore::open(link, OpenMode::ReadOnly));
    }

    void foreignLockFileDoesNotBlock_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addRow("empty") << QByteArray();
        QTest::addRow("no JSON") << QByteArray("what is this?");
        QTest::addRow("of a process long gone") << QByteArray(R"({"pid":1,"host":"elsewhere","program":"x"})");
    }
    void foreignLockFileDoesNotBlock()
    {
        QFETCH(QByteArray, text);
        QFile lock(m_name + QStringLiteral(".lock"));
        QVERIFY(lock.open(QIODevice::WriteOnly));
        lock.write(text);
        lock.close();
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::Create));
    }

    void writersTakeTurnsWithoutLoss()
    {
        // Opening and closing of two writers interleave; each either gets in or is told Busy.
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::Create));
        SecondProcess other({QStringLiteral("write"), m_name, QStringLiteral("1000")});
        QVERIFY(other.lineStarting(QStringLiteral("done")) == QStringLiteral("done 1000"));
        int written = 0;
        int busy = 0;
        for (int attempt = 0; attempt < 2000 && written < 3; ++attempt) {
            auto store = ProjectStore::open(m_file, OpenMode::ReadWrite);
            if (store.ok()) {
                VERIFY_OK(store.value().finishTrial(sampleTrial(written++)));
            } else {
                QCOMPARE(store.error().code, ErrorCode::Busy);
                ++busy;
            }
        }
        other.kill();
        for (const QString& line : other.remainingLines()) // it meets our lock and ends, or was killed
            QVERIFY2(line.startsWith(QLatin1String("done ")) || line.startsWith(QLatin1String("error Busy ")),
                     qPrintable(line));
        const auto reader = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_OK(reader);
        for (int number = 0; number < written; ++number)
            VERIFY_OK(reader.value().trial(sampleId(number)));
        QVERIFY(written + busy > 0);
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
    QString m_name;
};

QTEST_GUILESS_MAIN(TstProjectLock)
#include "tst_project_lock.moc"
