// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/stage_role.h"

#include <QtTest>

#include <algorithm>

using namespace paretoscope::core;

namespace {

/// "prune" as a stage of that role and name.
PlacedStage stageNamed(const QString& name)
{
    const std::string text = name.toStdString();
    const auto found =
        std::find_if(kStageRoles.begin(), kStageRoles.end(), [&](const auto& known) { return known.second == text; });
    return {found == kStageRoles.end() ? StageRole::None : found->first, text};
}

/// What is said against the stages of a weight in this order; empty: nothing.
QString objection(const QString& order)
{
    std::vector<PlacedStage> before;
    for (const QString& name : order.split(QLatin1Char(' '))) {
        const PlacedStage next = stageNamed(name);
        const Status fits = checkSuccession(before, next);
        if (!fits.ok())
            return QString::fromStdString(fits.error().sentence());
        before.push_back(next);
    }
    return {};
}

} // namespace

class TstStageRole : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void sensibleOrders_data()
    {
        QTest::addColumn<QString>("order");
        for (const char* order :
             {"import quantize", "fold quantize activations", "activations quantize", "prune quantize compensate",
              "prune prune", "factorise compensate", "quantize tune tune compensate activations", "fold prune quantize",
              "fold factorise", "other quantize other"})
            QTest::newRow(order) << QString::fromUtf8(order);
    }
    void sensibleOrders()
    {
        QFETCH(QString, order);
        QCOMPARE(objection(order), QString());
    }

    void senselessOrders_data()
    {
        QTest::addColumn<QString>("order");
        QTest::addColumn<QString>("says");
        QTest::newRow("pruned after it was quantised") << "quantize prune"
                                                       << "put prune before quantize";
        QTest::newRow("two quantizers") << "quantize quantize"
                                        << "exclude this weight from one of them";
        QTest::newRow("two quantizers, one pruning between") << "quantize tune quantize"
                                                             << "quantised already";
        QTest::newRow("other weights over finished ones") << "fold import"
                                                          << "put import before fold";
        QTest::newRow("adapter under a quantizer") << "prune compensate quantize"
                                                   << "merge the adapter";
        QTest::newRow("two adapters") << "prune compensate compensate"
                                      << "an adapter already";
        QTest::newRow("nothing to make up for") << "fold compensate"
                                                << "no error to make up for";
        QTest::newRow("nothing to tune") << "prune tune"
                                         << "not quantised yet";
        QTest::newRow("factors of a pruned weight") << "prune factorise"
                                                    << "put factorise before prune";
        QTest::newRow("pruned factors") << "factorise prune"
                                        << "prune after factorise: works on whole weights, and the two factors would "
                                           "become one weight again";
        QTest::newRow("quantised factors") << "factorise quantize"
                                           << "let factor_bits of the low-rank stage round the factors";
        QTest::newRow("factors of factors") << "factorise factorise"
                                            << "a low-rank product already";
        QTest::newRow("activations twice") << "activations quantize activations"
                                           << "is quantised already";
    }
    void senselessOrders()
    {
        QFETCH(QString, order);
        QFETCH(QString, says);
        QVERIFY2(objection(order).contains(says), qPrintable(objection(order)));
    }
};

QTEST_APPLESS_MAIN(TstStageRole)
#include "tst_stage_role.moc"
