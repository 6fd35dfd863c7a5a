// SPDX-License-Identifier: Apache-2.0
#include "jobs/device_placement.h"

#include "jobs/worker_settings.h"

#include <QtTest>

#include <string>
#include <vector>

using namespace paretoscope;
using jobs::Card;

namespace {

using Strings = std::vector<std::string>;

core::Bytes gibibytes(double count)
{
    return {static_cast<std::int64_t>(count * double(1 << 30))};
}

QByteArray joined(const Strings& texts)
{
    QByteArray all;
    for (const std::string& text : texts)
        all += (all.isEmpty() ? "" : "\n") + QByteArray::fromStdString(text);
    return all;
}

const std::vector<Card> kCards {
    {"cuda:0", gibibytes(80)}, {"cuda:1", gibibytes(24)}, {"cuda:2", gibibytes(24)}, {"cuda:3", gibibytes(4)}};

} // namespace

class TstDevicePlacement : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void workersGoWhereThereIsRoom_data()
    {
        QTest::addColumn<Strings>("wanted");
        QTest::addColumn<int>("workers");
        QTest::addColumn<double>("need"); // GiB of one worker, with what the process takes
        QTest::addColumn<Strings>("devices");
        QTest::addColumn<QByteArray>("remarks");
        const auto row = [](const char* tag, Strings wanted, int workers, double need, Strings devices,
                            const char* remarks = "") {
            QTest::addRow("%s", tag) << std::move(wanted) << workers << need << std::move(devices)
                                     << QByteArray(remarks);
        };
        row("the processor has room for all", {"cpu"}, 3, 0, {"cpu", "cpu", "cpu"});
        row("one on each card", {"cuda:1", "cuda:2"}, 2, 20, {"cuda:1", "cuda:2"});
        row("the largest card first", {"cuda:1", "cuda:0"}, 2, 20, {"cuda:0", "cuda:1"});
        row("two on one card", {"cuda:1"}, 2, 12, {"cuda:1", "cuda:1"});
        row("the small card is full after one", {"cuda:1", "cuda:0"}, 5, 20,
            {"cuda:0", "cuda:1", "cuda:0", "cuda:0", "cuda:0"});
        row("a card that is too small", {"cuda:0", "cuda:3"}, 2, 20, {"cuda:0", "cuda:0"},
            "cuda:3 has 4.0 GiB, a worker of this sweep takes 20.0 GiB there: no worker runs there");
        row("no room for the last", {"cuda:1", "cuda:2"}, 3, 20, {"cuda:1", "cuda:2"},
            "the cards have room for 2 of 3 workers; a --memory-budget makes room for more");
        row("no room for one more on a card named twice", {"cuda:1", "cuda:1"}, 2, 20, {"cuda:1"},
            "the cards have room for 1 of 2 workers; a --memory-budget makes room for more");
        row("card and processor", {"cuda:1", "cpu"}, 4, 20, {"cpu", "cuda:1", "cpu", "cpu"});
        row("a card to the last byte", {"cuda:3"}, 1, 4, {"cuda:3"});
    }
    void workersGoWhereThereIsRoom()
    {
        QFETCH(Strings, wanted);
        QFETCH(int, workers);
        QFETCH(double, need);
        const auto placed = jobs::placeWorkers(
            wanted, workers, kCards, [&](const Card&) { return gibibytes(need) - jobs::kProcessBytesOnCard; });
        QVERIFY2(placed.ok(), placed.ok() ? "" : placed.error().sentence().c_str());
        QFETCH(Strings, devices);
        QCOMPARE(joined(placed.value().devices), joined(devices));
        QTEST(joined(placed.value().remarks), "remarks");
    }

    void needMayDependOnTheCard()
    {
        const auto placed = jobs::placeWorkers({"cuda:0", "cuda:1"}, 3, kCards, [](const Card& card) {
            return core::Bytes {card.memory.value / 4}; // a plan for a larger card takes more
        });
        QCOMPARE(joined(placed.value().devices), QByteArray("cuda:0\ncuda:1\ncuda:0"));
    }

    void whatCannotBeIsRefused_data()
    {
        QTest::addColumn<Strings>("wanted");
        QTest::addColumn<bool>("hasCards");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addColumn<QByteArray>("says");
        QTest::addRow("no such card") << Strings {"cuda:0", "cuda:7"} << true << core::ErrorCode::NotFound
                                      << QByteArray("the card cuda:7 does not exist: there are cuda:0, cuda:1, cuda:2, "
                                                    "cuda:3");
        QTest::addRow("no card at all") << Strings {"cuda:0"} << false << core::ErrorCode::NotFound
                                        << QByteArray("the card cuda:0 does not exist: no card is visible here; "
                                                      "`paretoscope doctor` says why");
        QTest::addRow("all too small") << Strings {"cuda:3"} << true << core::ErrorCode::OutOfMemory
                                       << QByteArray("cuda:3 has 4.0 GiB, a worker of this sweep takes 20.5 GiB there: "
                                                     "give a --memory-budget that fits, shorter sequences, or a card "
                                                     "with more memory");
    }
    void whatCannotBeIsRefused()
    {
        QFETCH(Strings, wanted);
        QFETCH(bool, hasCards);
        QFETCH(core::ErrorCode, code);
        QFETCH(QByteArray, says);
        const auto placed = jobs::placeWorkers(wanted, 2, hasCards ? kCards : std::vector<Card>(),
                                               [](const Card&) { return gibibytes(20); });
        QVERIFY(!placed.ok());
        QCOMPARE(placed.error().code, code);
        QCOMPARE(QByteArray::fromStdString(placed.error().message + ": " + placed.error().hint), says);
    }

    void cardsAreReadFromTheDescription()
    {
        const core::Json description {{"devices",
                                       {{{"id", "cpu"}, {"memory_bytes", 1}},
                                        {{"id", "cuda:0"}, {"name", "card"}, {"memory_bytes", 1000}},
                                        {{"id", "cuda:1"}, {"memory_bytes", 2000}}}}};
        const auto cards = jobs::cardsIn(description);
        QCOMPARE(cards.size(), std::size_t(2));
        QCOMPARE(cards[1].id, std::string("cuda:1"));
        QCOMPARE(cards[1].memory.value, 2000);
        QVERIFY(jobs::cardsIn(core::Json::object()).empty());
    }

    void aWorkerIsShownItsCardOnly_data()
    {
        QTest::addColumn<std::string>("device");
        QTest::addColumn<QByteArray>("visible"); // CUDA_VISIBLE_DEVICES here; null: not set
        QTest::addColumn<QByteArray>("shown");   // null: left alone
        QTest::addColumn<std::string>("inWorker");
        const auto row = [](const char* tag, const char* device, const char* visible, const char* shown,
                            const char* inWorker) {
            QTest::addRow("%s", tag) << std::string(device) << QByteArray(visible) << QByteArray(shown)
                                     << std::string(inWorker);
        };
        row("processor", "cpu", nullptr, nullptr, "cpu");
        row("automatic", "auto", "2", nullptr, "auto");
        row("all cards visible", "cuda:3", nullptr, "3", "cuda:0");
        row("some visible", "cuda:1", "4,7", "7", "cuda:0");
        row("by identifier", "cuda:0", "GPU-5ad1,MIG-77", "GPU-5ad1", "cuda:0");
        row("one that is not visible", "cuda:1", "4", nullptr, "cuda:0");
        row("none visible", "cuda:0", "", nullptr, "cuda:0");
    }
    void aWorkerIsShownItsCardOnly()
    {
        QFETCH(std::string, device);
        QFETCH(QByteArray, visible);
        QFETCH(QByteArray, shown);
        QFETCH(std::string, inWorker);
        std::optional<std::string> here;
        if (!visible.isNull())
            here = visible.toStdString();
        const auto found = jobs::visibleCardFor(device, here);
        QCOMPARE(found.has_value(), !shown.isNull());
        QCOMPARE(QByteArray::fromStdString(found.value_or("")), shown.isNull() ? QByteArray("") : shown);
        QCOMPARE(jobs::deviceInWorker(device), inWorker);
    }
};

QTEST_GUILESS_MAIN(TstDevicePlacement)
#include "tst_device_placement.moc"
