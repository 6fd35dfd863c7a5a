// SPDX-License-Identifier: Apache-2.0
// SpQR on a whole model.
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QtTest>

using namespace paretoscope;

namespace {

core::TrialOutcome outcomeOf(const std::string& pipeline)
{
    const SweepUnderTest test("  - [" + pipeline + "]\n", 32);
    tests::SilentObserver observer;
    engine::TrialRunner runner(optionsFor());
    auto outcome = runner.run(test.request(0), observer);
    if (!outcome.ok())
        qFatal("%s", outcome.error().sentence().c_str());
    return std::move(outcome).value();
}

double valueOf(const core::TrialOutcome& outcome, const char* metric)
{
    return *metricOf(outcome, metric).value;
}

} // namespace

class TstSpqrModel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void betterThanGptqAtEqualSize()
    {
        const auto gptq = outcomeOf("gptq: {bits: 3, group_size: 32}");
        const auto spqr = outcomeOf("spqr: {bits: 3, damping: 0.01, activation_order: static, outlier_threshold: -1}");
        QVERIFY(valueOf(spqr, "stored_bytes") < 1.01 * valueOf(gptq, "stored_bytes"));
        QVERIFY2(
            valueOf(spqr, "perplexity") < 0.98 * valueOf(gptq, "perplexity"),
            qPrintable(
                QStringLiteral("%1 against %2").arg(valueOf(spqr, "perplexity")).arg(valueOf(gptq, "perplexity"))));
    }

    void outliersCostBytesAndLowerPerplexity()
    {
        const std::string parameters = "bits: 3, damping: 0.01, activation_order: static, outlier_threshold: ";
        const auto few = outcomeOf("spqr: {" + parameters + "-1}");
        const auto many = outcomeOf("spqr: {" + parameters + "0.2}");
        QVERIFY(valueOf(many, "stored_bytes") > valueOf(few, "stored_bytes"));
        QVERIFY(valueOf(many, "perplexity") < valueOf(few, "perplexity"));
    }
};

QTEST_GUILESS_MAIN(TstSpqrModel)
#include "tst_spqr_model.moc"
