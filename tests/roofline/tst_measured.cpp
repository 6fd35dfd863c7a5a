// SPDX-License-Identifier: Apache-2.0
// Machine profiles, the engine's pass at their ceilings, calibration: with planted machines whose truth is known.
#include "roofline/measured/calibrated_prediction.h"
#include "roofline/measured/compass_search.h"
#include "tests/roofline/planted_machine.h"

#include <QtTest>

#include <functional>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

bool isClose(double a, double b, double tolerance = 1e-12)
{
    return std::fabs(a - b) <= tolerance * std::max(std::fabs(a), std::fabs(b));
}

ModelShape plantedModel()
{
    return orDie(readModelShape(plantedConfig(), PARETOSCOPE_RESOURCES "/architectures"));
}

/// Products of two shapes, cold, one thread: 1 µs per row and 1024 weights of the first one, twice that of the second.
MachineProfile machineWithCurve()
{
    MachineProfile machine = plantedMachine();
    for (const double rows : {1.0, 4.0, 16.0}) {
        machine.products.push_back({.rows = rows, .out = 64, .in = 16, .seconds = exactly(rows * 1e-6)});
        machine.products.push_back({.rows = rows, .out = 4096, .in = 1024, .seconds = exactly(rows * 8e-3)});
    }
    return machine;
}

using Edit = std::function<void(core::Json&)>;
using Spoil = std::function<void(MachineProfile&)>;

} // namespace
Q_DECLARE_METATYPE(Edit)
Q_DECLARE_METATYPE(Spoil)

class TstMeasured : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_calibrated = measuredMachine();
        orDie(calibrateProfile(m_calibrated, PARETOSCOPE_RESOURCES "/architectures"));
    }

    void rateIsThatOfTheThreadsAtWork_data()
    {
        QTest::addColumn<double>("threads");
        QTest::addColumn<double>("wanted");
        QTest::addRow("one") << 1.0 << 10e9;
        QTest::addRow("between") << 1.5 << 15e9;
        QTest::addRow("all") << 2.0 << 20e9;
        QTest::addRow("more than there are") << 8.0 << 20e9;
    }
    void rateIsThatOfTheThreadsAtWork()
    {
        QFETCH(double, threads);
        QFETCH(double, wanted);
        QVERIFY(isClose(plantedMachine().rate("dram_read", threads).value(), wanted));
        QVERIFY(isClose(plantedMachine().bandwidth(threads), wanted));
        QVERIFY(!plantedMachine().rate("dram_write", threads));
    }

    void profileIsADevice()
    {
        const HardwareSpec device = plantedMachine().hardware();
        QCOMPARE(device.name, std::string("planted"));
        QVERIFY(isClose(device.bandwidthBytesPerSecond, 20e9));
        QVERIFY2(isClose(device.peak(NumberType::Fp32).value(), 100e9), "the better of products and multiply-adds");
        QVERIFY(isClose(device.peak(NumberType::Bf16).value(), 2e9));
        QVERIFY(!device.peak(NumberType::Int8));
        QCOMPARE(device.memoryBytes.value(), 16e9);
        QCOMPARE(device.processors.value(), 2);
        const Ceilings ceilings = orDie(Ceilings::of(device, Efficiency::ideal()));
        QVERIFY(predictStep(plantedModel(), {}, Step::decode(1, 16), ceilings).ok());
    }

    /// 18 GB/s of reading and 90 GFLOP/s meet at 5 FLOPs per byte.
    void kneeIsWhereMemoryAndArithmeticMeet()
    {
        const std::vector<IntensityPoint> points = plantedMachine().intensities();
        QCOMPARE(points.size(), std::size_t(3));
        QVERIFY(isClose(points[0].intensity, 0.25));
        QVERIFY(isClose(points[0].flopsPerSecond, 4.5e9));
        QVERIFY(isClose(points[1].intensity, 2.25));
        QVERIFY(isClose(points[2].flopsPerSecond, 90e9));
        QVERIFY(isClose(plantedMachine().knee().value(), 5));
        MachineProfile earlier = plantedMachine();
        std::erase_if(earlier.rates, [](const MeasuredRate& rate) { return rate.name.starts_with("read_"); });
        QVERIFY(!earlier.knee());
    }

    void profileReadsBackEqual()
    {
        MachineProfile machine = m_calibrated;
        machine.products = machineWithCurve().products;
        const core::Json json = machine.json();
        const MachineProfile read = orDie(MachineProfile::fromJson(core::Json::parse(json.dump()), "copy"));
        QCOMPARE(QByteArray::fromStdString(read.json().dump()), QByteArray::fromStdString(json.dump()));
        QVERIFY(read.calibration == machine.calibration);
    }

    void damagedProfileIsRefused_data()
    {
        QTest::addColumn<Edit>("edit");
        const auto row = [](const char* name, Edit edit) { QTest::addRow("%s", name) << std::move(edit); };
        row("no object", [](core::Json& json) { json = core::Json::array(); });
        row("another schema", [](core::Json& json) { json["schema"] = "paretoscope.machine-profile/2"; });
        row("a path as name", [](core::Json& json) { json["name"] = "../../etc/passwd"; });
        row("no rates", [](core::Json& json) { json["rates"] = core::Json::array(); });
        row("a rate of nothing", [](core::Json& json) { json["rates"][0]["work"] = 0; });
        row("a time of zero", [](core::Json& json) { json["rates"][0]["seconds"]["median"] = 0; });
        row("a negative time", [](core::Json& json) { json["rates"][0]["seconds"]["median"] = -1; });
        row("no threads", [](core::Json& json) { json["threads"] = 0; });
        row("steps of another type", [](core::Json& json) { json["model"]["steps"] = 3; });
        row("parts of another type", [](core::Json& json) { json["model"]["steps"][0]["blocks"] = {{{"q_proj"}}}; });
        row("a share above 1", [](core::Json& json) { json["calibration"]["overall"]["memory"] = 1.5; });
        row("a share of zero", [](core::Json& json) { json["calibration"]["kinds"]["norm"]["memory"] = 0; });
        row("a kind is missing", [](core::Json& json) { json["calibration"]["kinds"].erase("gather"); });
    }
    void damagedProfileIsRefused()
    {
        QFETCH(Edit, edit);
        core::Json json = m_calibrated.json();
        edit(json);
        const auto read = MachineProfile::fromJson(json, "profile.json");
        QVERIFY(!read.ok());
        QVERIFY(!read.error().message.empty());
    }

    void productsAreLookedUp_data()
    {
        QTest::addColumn<double>("rows");
        QTest::addColumn<double>("out");
        QTest::addColumn<double>("in");
        QTest::addColumn<double>("wanted");
        QTest::addRow("measured") << 4.0 << 64.0 << 16.0 << 4e-6;
        QTest::addRow("log-linear between") << 2.0 << 64.0 << 16.0 << 2e-6;
        QTest::addRow("proportional beyond") << 64.0 << 64.0 << 16.0 << 64e-6;
        QTest::addRow("scaled to another shape") << 1.0 << 128.0 << 16.0 << 2e-6;
        QTest::addRow("from the nearest shape") << 1.0 << 2048.0 << 1024.0 << 4e-3;
        QTest::addRow("nothing alike") << 1.0 << 1e6 << 1e6 << 0.0;
    }
    void productsAreLookedUp()
    {
        QFETCH(double, rows);
        QFETCH(double, out);
        QFETCH(double, in);
        QFETCH(double, wanted);
        const std::optional<double> seconds = productSeconds(machineWithCurve(), {.rows = rows, .out = out, .in = in});
        QCOMPARE(seconds.has_value(), wanted > 0);
        QVERIFY(!seconds || isClose(*seconds, wanted));
        QVERIFY(!productSeconds(machineWithCurve(), {.isCold = false, .rows = rows, .out = out, .in = in}));
        QVERIFY(!productSeconds(machineWithCurve(), {.calls = 2, .rows = rows, .out = out, .in = in}));
    }

    /// One sequence: the weights of all layers come from memory, by one thread.
    void oneSequenceReadsAllWeightsOnce()
    {
        const ModelShape model = plantedModel();
        const EngineStep step = orDie(engineStep(plantedMachine(), model, {}, false, 1, 16));
        double weights = 0;
        double weightSeconds = 0;
        for (const EngineSection& section : step.sections) {
            for (std::size_t i = 0; i < section.operations.size(); ++i) {
                if (section.times[i].kind != KernelKind::Product || section.name == "head")
                    continue;
                weights += section.count * section.operations[i].weightBytes;
                weightSeconds += section.count * section.times[i].memory;
            }
        }
        QCOMPARE(weights, 12 * 4.0 * (1024 * 1024 * 2 + 1024 * 256 * 2 + 3 * 1024 * 4096));
        QVERIFY2(weightSeconds > weights / 10e9, "one thread, and its activations");
        QVERIFY(weightSeconds < weights / 10e9 * 1.01);
    }

    /// Eight sequences by two threads: four rounds, of which the later ones find the weights of a layer in the cache
    /// only if they fit.
    void sequencesAreComputedApart_data()
    {
        QTest::addColumn<double>("cache");
        QTest::addColumn<double>("least"); ///< seconds of reading a layer's weights
        const double layer = 4.0 * (1024 * 1024 * 2 + 1024 * 256 * 2 + 3 * 1024 * 4096);
        QTest::addRow("in the cache") << 512e6 << layer / 20e9 + 3 * 2 * layer / 80e9;
        QTest::addRow("too large") << 1e6 << 4 * layer / 20e9;
    }
    void sequencesAreComputedApart()
    {
        QFETCH(double, cache);
        QFETCH(double, least);
        MachineProfile machine = plantedMachine();
        machine.lastCacheBytes = cache;
        const EngineStep step = orDie(engineStep(machine, plantedModel(), {}, false, 8, 16));
        double seconds = 0;
        for (const CeilingTimes& times : step.sections[1].times)
            seconds += times.kind == KernelKind::Product ? times.memory : 0;
        QVERIFY2(seconds >= least * 0.999, qPrintable(QString::number(seconds / least)));
        QVERIFY(seconds < least * 1.3); // the first round waits for memory or for the cache, and there are activations
        for (const Operation& operation : step.sections[1].operations)
            QVERIFY(operation.name != "q_proj" || operation.matrixFlops == 8 * 2.0 * 1024 * 1024);
    }

    /// From as many sequences as there are threads on: one alone has half of the bandwidth.
    void timesGrowWithBatchAndLength()
    {
        const ModelShape model = plantedModel();
        const MachineProfile machine = plantedMachine();
        for (const bool isPrefill : {true, false}) {
            double before = 0;
            for (const double batch : {2.0, 3.0, 8.0}) {
                const double seconds = orDie(engineStep(machine, model, {}, isPrefill, batch, 64)).idealSeconds();
                QVERIFY(seconds >= before);
                QVERIFY(orDie(engineStep(machine, model, {}, isPrefill, batch, 65)).idealSeconds() >= seconds);
                before = seconds;
            }
        }
    }

    void compassSearchFindsTheLowestPoint()
    {
        const std::vector<SearchedValue> start {{0, -10, 10, 1}, {0, -10, 2, 1}, {0, -10, 10, 1}};
        const std::vector<double> found = compassSearch(start, [](const std::vector<double>& x) {
            return std::pow(x[0] - 3, 2) + std::pow(x[1] - 4, 2) + std::fabs(x[2] + 1.25);
        });
        QVERIFY(std::fabs(found[0] - 3) < 1e-3);
        QCOMPARE(found[1], 2.0); // its bound
        QVERIFY(std::fabs(found[2] + 1.25) < 1e-3);
    }

    /// The planted shares are found so well that no part is far off, also of a step that the fit has not seen.
    void calibrationFindsPlantedShares()
    {
        MachineProfile machine = measuredMachine();
        const MeasuredPoints points = orDie(calibrateProfile(machine, PARETOSCOPE_RESOURCES "/architectures"));
        const Calibration& calibration = *machine.calibration;
        QCOMPARE(points.parts.size(), 8u * 13u); // entry, head and eleven parts of a layer
        QVERIFY2(calibration.ideal.meanRelative > 0.2, "at the ceilings everything is predicted too fast");
        QVERIFY(calibration.overallError.meanRelative < calibration.ideal.meanRelative);
        QVERIFY(calibration.error.meanRelative < calibration.overallError.meanRelative);
        QVERIFY2(calibration.error.meanRelative < 0.05, qPrintable(QString::number(calibration.error.meanRelative)));
        QVERIFY(calibration.error.within20Percent > 0.95);
        QVERIFY2(calibration.leftOut.meanRelative < 0.2, qPrintable(QString::number(calibration.leftOut.meanRelative)));
        QVERIFY(calibration.leftOut.meanRelative >= calibration.error.meanRelative);
        QVERIFY(isClose(calibration.stepSeconds, kPlantedStart, 0.1));
        QCOMPARE(points.steps.size(), 8u);
        for (const StepPoint& step : points.steps)
            QVERIFY(std::fabs(step.calibratedSeconds / step.measuredSeconds - 1) < 0.05);
    }

    /// SmolLM2-135M on a processor with two threads, as `roofline --measure` kept it: most parts of its steps are
    /// explained, also those of a step that the fit has not seen, and nothing is faster than the ceilings.
    void calibrationExplainsAMeasuredMachine()
    {
        const std::string text = orDie(core::readTextFile(PARETOSCOPE_TEST_DATA "/roofline/measured_smollm2.json"));
        MachineProfile machine = orDie(MachineProfile::fromJson(core::Json::parse(text), "measured_smollm2.json"));
        const MeasuredPoints points = orDie(calibrateProfile(machine, PARETOSCOPE_RESOURCES "/architectures"));
        const Calibration& calibration = *machine.calibration;
        QCOMPARE(points.parts.size(), 8u * 13u);
        QVERIFY2(calibration.error.within20Percent >= 0.8,
                 qPrintable(QString::number(calibration.error.within20Percent)));
        QVERIFY2(calibration.leftOut.within20Percent >= 0.8,
                 qPrintable(QString::number(calibration.leftOut.within20Percent)));
        QVERIFY(calibration.overallError.meanRelative < calibration.ideal.meanRelative);
        for (const StepPoint& step : points.steps)
            QVERIFY2(std::fabs(step.calibratedSeconds / step.measuredSeconds - 1) <= 0.15,
                     machine.model->steps[step.step].title().c_str());
        for (const LayerPoint& part : points.parts)
            QVERIFY2(part.idealSeconds <= 1.05 * part.measuredSeconds, part.part.c_str());
    }

    void kernelsOfTheEngineAreCounted_data()
    {
        QTest::addColumn<QByteArray>("operation");
        QTest::addColumn<bool>("isCpu");
        QTest::addColumn<bool>("isPrefill");
        QTest::addColumn<double>("tokens");
        QTest::addColumn<double>("calls");
        QTest::addColumn<double>("passes");
        const auto row = [](const char* tag, const char* operation, bool isCpu, double tokens, double calls,
                            double passes) {
            QTest::addRow("%s", tag) << QByteArray(operation) << isCpu << (tokens > 1) << tokens << calls << passes;
        };
        row("norm", "attn_norm", true, 64, 7, 3.5);
        row("norm of a card", "attn_norm", false, 64, 1, 1);
        row("rotation", "rope", true, 1, 14, 4.5);
        row("cache in decode", "kv_store", true, 1, 2, 1);
        row("cache of a new sequence", "kv_store", true, 64, 4, 1);
        row("sum", "attn_add", true, 64, 1, 1);
        row("gated activation", "mlp_act", true, 64, 2, 5.0 / 3);
        row("linear", "q_proj", true, 64, 1, 1);
        row("attention in decode", "attention", true, 1, 1 + 4, 1);
        row("attention, blocks of 32", "attention", true, 65, 1 + 16 * 3, 1);
        row("attention, blocks of 64", "attention", true, 256, 1 + 16 * 4, 1);
        row("attention, blocks of 256", "attention", true, 1024, 1 + 16 * 4, 1);
        row("attention of a card", "attention", false, 256, 1, 1);
    }
    void kernelsOfTheEngineAreCounted()
    {
        QFETCH(QByteArray, operation);
        QFETCH(bool, isCpu);
        QFETCH(bool, isPrefill);
        QFETCH(double, tokens);
        QFETCH(double, calls);
        QFETCH(double, passes);
        MachineProfile machine = plantedMachine();
        machine.kind = isCpu ? "cpu" : "gpu";
        const EngineStep step = orDie(engineStep(machine, plantedModel(), {}, isPrefill, 1, tokens));
        const EngineSection& layer = step.sections[1];
        for (std::size_t i = 0; i < layer.operations.size(); ++i) {
            if (layer.operations[i].name != operation.constData())
                continue;
            QCOMPARE(layer.times[i].launches, calls);
            QCOMPARE(layer.times[i].passes, passes);
            return;
        }
        QFAIL("the layer has no such operation");
    }

    void calibrationIsDeterministic()
    {
        MachineProfile again = measuredMachine();
        orDie(calibrateProfile(again, PARETOSCOPE_RESOURCES "/architectures"));
        QVERIFY(again.calibration == m_calibrated.calibration);
    }

    void whatALayerTakesBesideItsPartsIsCounted()
    {
        MachineProfile machine = measuredMachine();
        for (MeasuredStep& step : machine.model->steps)
            step.seconds = exactly(step.seconds.median + 12 * 50e-6);
        orDie(calibrateProfile(machine, PARETOSCOPE_RESOURCES "/architectures"));
        QVERIFY(isClose(machine.calibration->sectionSeconds, 50e-6, 1e-6));
    }

    /// Names that the operations do not have (a mixture's kernels) count to the part before them.
    void unknownPartsAreNotLost()
    {
        MachineProfile machine = measuredMachine();
        for (MeasuredStep& step : machine.model->steps) {
            for (std::vector<MeasuredPart>& block : step.blocks)
                block.insert(block.begin() + 2, {"something", 1e-3});
        }
        const MeasuredPoints points = orDie(calibrateProfile(machine, PARETOSCOPE_RESOURCES "/architectures"));
        QCOMPARE(points.parts.size(), 8u * 13u);
        for (const LayerPoint& point : points.parts) {
            const std::vector<MeasuredPart>& parts = m_calibrated.model->steps[point.step].blocks.front();
            const auto before = std::find_if(parts.begin(), parts.end(),
                                             [&](const MeasuredPart& part) { return part.first == point.part; });
            const double more = point.part == "q_proj" ? 1e-3 : 0;
            QVERIFY(before == parts.end() || isClose(point.measuredSeconds, before->second + more, 1e-9));
        }
    }

    /// Check 10: what is wrong with a measurement is said, and nothing else.
    void remarksSayWhatIsWrong_data()
    {
        QTest::addColumn<Spoil>("spoil");
        QTest::addColumn<QString>("wanted");
        const auto row = [](const char* name, Spoil spoil, const char* wanted) {
            QTest::addRow("%s", name) << std::move(spoil) << QString::fromLatin1(wanted);
        };
        row(
            "nothing", [](MachineProfile&) {}, "");
        row(
            "a part is faster than the roof",
            [](MachineProfile& machine) {
                for (std::vector<MeasuredPart>& block : machine.model->steps[0].blocks)
                    block[1].second /= 4;
            },
            "q_proj was");
        row(
            "a step is faster than the roof",
            [](MachineProfile& machine) { machine.model->steps[3].seconds = exactly(1e-3); }, "as the ceilings allow");
        row(
            "a rate is not repeatable", [](MachineProfile& machine) { machine.rates[1].again = 1.2; },
            "dram_read (2 threads) differed by 20.0 % when it was measured again");
        row(
            "a rate is noisy", [](MachineProfile& machine) { machine.rates[0].seconds.variation = 0.1; },
            "dram_read (1 thread) varies by 10.0 %");
        row(
            "a step is not repeatable", [](MachineProfile& machine) { machine.model->steps[0].repeatChange = 0.06; },
            "prefill, batch 1, 16 tokens differed by 6.0 %");
        row(
            "watching slows", [](MachineProfile& machine) { machine.model->steps[0].watchedSeconds.median *= 1.03; },
            "3.0 % slower while its parts were timed");
    }
    void remarksSayWhatIsWrong()
    {
        QFETCH(Spoil, spoil);
        QFETCH(QString, wanted);
        MachineProfile machine = measuredMachine();
        spoil(machine);
        const MeasuredPoints points = orDie(calibrateProfile(machine, PARETOSCOPE_RESOURCES "/architectures"));
        const std::vector<std::string> remarks = remarksOn(machine, points);
        QCOMPARE(remarks.empty(), wanted.isEmpty());
        const bool isSaid = std::any_of(remarks.begin(), remarks.end(), [&](const std::string& remark) {
            return QString::fromStdString(remark).contains(wanted);
        });
        QVERIFY2(isSaid || wanted.isEmpty(), remarks.empty() ? "" : remarks.front().c_str());
    }

    void predictionIsThatOfItsSteps()
    {
        MachineProfile machine = measuredMachine();
        QVERIFY(!predictCalibrated(machine, plantedModel(), {.batch = 1, .prompt = 64, .generated = 4}).ok());
        machine = m_calibrated;
        const GenerationPrediction answer =
            orDie(predictCalibrated(machine, plantedModel(), {.batch = 8, .prompt = 64, .generated = 4}));
        const auto seconds = [&](bool isPrefill, double tokens) {
            return orDie(engineStep(machine, plantedModel(), {}, isPrefill, 8, tokens)).seconds(*machine.calibration);
        };
        QVERIFY(isClose(answer.timeToFirstToken, seconds(true, 64)));
        const double decoding = seconds(false, 65) + seconds(false, 66) + seconds(false, 67);
        QVERIFY(isClose(answer.totalSeconds, seconds(true, 64) + decoding));
        QVERIFY(isClose(answer.timePerOutputToken, decoding / 3));
        QVERIFY(answer.fits.value());
        const Explanation why = explainCalibrated(answer.decode);
        QVERIFY(!why.operation.empty());
        QVERIFY(why.sentence(1).find("usual changes") == std::string::npos);
        QVERIFY(!predictCalibrated(machine, plantedModel(), {.batch = 0, .prompt = 64, .generated = 4}).ok());
    }

    void nothingIsCalibratedWithNothing()
    {
        QVERIFY(!calibrate({}).ok());
        QVERIFY(!calibrate({{.step = 0, .operations = {{}}, .measured = 0}}).ok());
        QVERIFY(!calibrate({{.step = 0, .operations = {}, .measured = 1}}).ok());
    }

    void namesAreFileNames_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<bool>("isAllowed");
        QTest::addRow("letters") << QStringLiteral("local") << true;
        QTest::addRow("all") << QStringLiteral("My_box-2.1") << true;
        QTest::addRow("empty") << QString() << false;
        QTest::addRow("hidden") << QStringLiteral(".box") << false;
        QTest::addRow("a folder") << QStringLiteral("a/b") << false;
        QTest::addRow("a space") << QStringLiteral("my box") << false;
        QTest::addRow("too long") << QString(65, QLatin1Char('a')) << false;
    }
    void namesAreFileNames()
    {
        QFETCH(QString, name);
        QFETCH(bool, isAllowed);
        QCOMPARE(checkProfileName(name.toStdString()).ok(), isAllowed);
    }

private:
    MachineProfile m_calibrated;
};

QTEST_GUILESS_MAIN(TstMeasured)
#include "tst_measured.moc"
