// SPDX-License-Identifier: Apache-2.0
#include "core/engine/statistics/statistic_cache.h"

#include <QDirIterator>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

QStringList filesIn(const QTemporaryDir& folder)
{
    QStringList found;
    QDirIterator files(folder.path(), QDir::Files, QDirIterator::Subdirectories);
    while (files.hasNext())
        found << files.next();
    return found;
}

} // namespace

class TstStatisticCache : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void findsWhatWasStored()
    {
        const QTemporaryDir folder;
        const StatisticCache cache(folder.path().toStdString());
        const core::Json key {{"input", "a"}};
        QVERIFY(!cache.find(key));
        cache.store(key, {at::arange(6, at::kFloat).view({2, 3}), 42});
        const auto found = cache.find(key);
        QVERIFY(found);
        QCOMPARE(found->samples, std::int64_t(42));
        QVERIFY(at::equal(found->value, at::arange(6, at::kFloat).view({2, 3})));
        QVERIFY(!cache.find({{"input", "b"}}));
    }

    void damagedEntryIsAbsentAndRemoved_data()
    {
        QTest::addColumn<int>("keep");
        QTest::addRow("empty") << 0;
        QTest::addRow("checksum only") << 64;
        QTest::addRow("last byte missing") << -1;
    }
    void damagedEntryIsAbsentAndRemoved()
    {
        QFETCH(int, keep);
        const QTemporaryDir folder;
        const StatisticCache cache(folder.path().toStdString());
        cache.store({{"k", 1}}, {at::ones({4, 4}), 1});
        const QStringList files = filesIn(folder);
        QCOMPARE(files.size(), 1);
        QFile file(files.first());
        QVERIFY(file.resize(keep < 0 ? file.size() + keep : keep));
        QVERIFY(!cache.find({{"k", 1}}));
        QVERIFY(filesIn(folder).isEmpty());
    }

    void changedByteIsNoticed()
    {
        const QTemporaryDir folder;
        const StatisticCache cache(folder.path().toStdString());
        cache.store({{"k", 1}}, {at::ones({4, 4}), 1});
        QFile file(filesIn(folder).first());
        QVERIFY(file.open(QIODevice::ReadWrite));
        file.seek(file.size() - 3);
        file.putChar('x');
        file.close();
        QVERIFY(!cache.find({{"k", 1}}));
    }

    void worksWithoutAFolder()
    {
        const StatisticCache off {std::filesystem::path()};
        off.store({{"k", 1}}, {at::ones({1}), 1});
        QVERIFY(!off.find({{"k", 1}}));
        const StatisticCache unwritable {"/proc/no-such-place"};
        unwritable.store({{"k", 1}}, {at::ones({1}), 1});
        QVERIFY(!unwritable.find({{"k", 1}}));
    }
};

QTEST_GUILESS_MAIN(TstStatisticCache)
#include "tst_statistic_cache.moc"
