// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the roofline dock that know no widget.
#include "roofline/hardware/hardware_table.h"
#include "roofline/llm_viewer/graph.h"
#include "roofline/llm_viewer/inputs.h"
#include "roofline/measured/calibrated_prediction.h"
#include "roofline/measured/machine_files.h"
#include "roofline/trial/trial_predictor.h"
#include "tests/gui/roofline_fixture.h"
#include "tests/roofline/sample_trials.h"
#include "views/roofline/compare_panel.h"
#include "views/roofline/network_graph.h"
#include "views/roofline/own_devices.h"
#include "views/roofline/roofline_session.h"
#include "views/roofline/roofline_sweep.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

roofline::HardwareSpec deviceOf(const char* name)
{
    const auto table = roofline::HardwareTable::read(PARETOSCOPE_RESOURCES "/hardware.csv");
    if (!table.ok())
        qFatal("%s", table.error().sentence().c_str());
    const auto found = table.value().find(name);
    return found.ok() ? *found.value() : roofline::HardwareSpec();
}

RooflineAnalysis analysisOf(const RooflineModel& model, const roofline::HardwareSpec& device,
                            const RooflineSetting& setting)
{
    core::Result<RooflineAnalysis> analysis = analyseRoofline(test::caseOf(model, device, setting));
    if (!analysis.ok())
        qFatal("%s", analysis.error().sentence().c_str());
    return std::move(analysis).value();
}

const AnalysedOperation* find(const RooflineAnalysis& analysis, const char* name)
{
    const auto found = std::find_if(analysis.operations.begin(), analysis.operations.end(),
                                    [&](const AnalysedOperation& each) { return each.name == name; });
    return found == analysis.operations.end() ? nullptr : &*found;
}

bool isNear(double a, double b, double tolerance)
{
    return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

} // namespace

class TstRooflineAnalysis : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_llama.emplace(test::modelOf(m_folders, u"Llama-2-7b"_s));
        m_device = deviceOf("NVIDIA A100 SXM 80GB");
    }

    void resultsAreThoseOfTheLibrary()
    {
        const RooflineSetting setting {.batch = 4, .prompt = 512, .generated = 64};
        const RooflineAnalysis analysis = analysisOf(*m_llama, m_device, setting);
        const auto expected =
            roofline::predictGeneration(m_llama->shape.value(), {}, {.batch = 4, .prompt = 512, .generated = 64},
                                        m_device, roofline::Efficiency::ideal());
        QVERIFY(expected.ok());
        QCOMPARE(analysis.result("time_to_first_token")->value, expected.value().timeToFirstToken);
        QCOMPARE(analysis.result("time_per_output_token")->value, expected.value().timePerOutputToken);
        QCOMPARE(analysis.result("total_time")->value, expected.value().totalSeconds);
        QCOMPARE(analysis.result("memory")->value, expected.value().memory.total());
        QVERIFY(isNear(analysis.stageSeconds, expected.value().decode.seconds, 1e-12));
        double shares = 0;
        for (const AnalysedOperation& operation : analysis.operations)
            shares += operation.share;
        QVERIFY(std::abs(shares - 1) < 1e-12);
        QVERIFY(isNear(analysis.times[1].total(), expected.value().decode.layerSeconds, 1e-12));
    }

    void settingsReachThePrediction_data()
    {
        QTest::addColumn<int>("which");
        QTest::addColumn<QByteArray>("quantity");
        QTest::addColumn<bool>("grows");
        QTest::addRow("batch") << 0 << QByteArray("tokens_per_second") << true;
        QTest::addRow("prompt") << 1 << QByteArray("time_to_first_token") << true;
        QTest::addRow("generated") << 2 << QByteArray("total_time") << true;
        QTest::addRow("weight bits") << 3 << QByteArray("memory_weights") << false;
        QTest::addRow("named format") << 4 << QByteArray("memory_weights") << false;
        QTest::addRow("cache bits") << 5 << QByteArray("memory_cache") << false;
        QTest::addRow("activations in int8") << 6 << QByteArray("time_to_first_token") << false;
        QTest::addRow("two devices") << 7 << QByteArray("time_per_output_token") << false;
        QTest::addRow("eager attention") << 8 << QByteArray("time_to_first_token") << true;
        QTest::addRow("realistic") << 9 << QByteArray("time_per_output_token") << true;
        QTest::addRow("pipeline") << 10 << QByteArray("memory_weights") << false;
    }
    void settingsReachThePrediction()
    {
        QFETCH(int, which);
        QFETCH(QByteArray, quantity);
        QFETCH(bool, grows);
        RooflineSetting changed;
        switch (which) {
        case 0:
            changed.batch = 8;
            break;
        case 1:
            changed.prompt = 4096;
            break;
        case 2:
            changed.generated = 512;
            break;
        case 3:
            changed.weightBits = 4;
            break;
        case 4:
            changed.weightFormat = "nf4";
            break;
        case 5:
            changed.kvBits = 4;
            break;
        case 6:
            changed.weightBits = changed.activationBits = 8;
            break;
        case 7:
            changed.tensorParallel = 2;
            break;
        case 8:
            changed.flash = false;
            break;
        case 10:
            changed.pipelineParallel = 4;
            break;
        default:
            changed.efficiency = RooflineEfficiency::Realistic;
        }
        const double before = analysisOf(*m_llama, m_device, {}).result(quantity.toStdString())->value;
        const double after = analysisOf(*m_llama, m_device, changed).result(quantity.toStdString())->value;
        QVERIFY2(grows ? after > before : after < before, qPrintable(u"%1 -> %2"_s.arg(before).arg(after)));
    }

    void changesAreHeldAgainstTheWholePass()
    {
        const RooflineAnalysis analysis =
            analysisOf(*m_llama, m_device, {.batch = 8, .pipelineParallel = 2, .microBatches = 4});
        QVERIFY(analysis.passSeconds > analysis.stageSeconds); // micro-batches read the weights again
        QVERIFY(!analysis.explanation->changes.empty());
        for (const roofline::Change& change : analysis.explanation->changes)
            QVERIFY2(change.seconds < analysis.passSeconds, std::string(change.name).c_str());
    }

    void wholeAnswerSumsItsSteps_data()
    {
        QTest::addColumn<double>("generated");
        for (const double generated : {1.0, 2.0, 3.0, 10.0, 64.0, 1000.0})
            QTest::addRow("%g tokens", generated) << generated;
    }
    void wholeAnswerSumsItsSteps()
    {
        QFETCH(double, generated);
        RooflineSetting setting {.stage = RooflineStage::Chat, .batch = 2, .prompt = 100, .generated = generated};
        const RooflineAnalysis chat = analysisOf(*m_llama, m_device, setting);
        const AnalysedOperation* attention = find(chat, "attention");
        QVERIFY(attention);
        setting.stage = RooflineStage::Prefill;
        double flops = find(analysisOf(*m_llama, m_device, setting), "attention")->flops;
        setting.stage = RooflineStage::Decode;
        for (double step = 1; step < generated; ++step) {
            RooflineSetting at = setting;
            at.prompt = setting.prompt + step - 1; // decode looks at prompt + 1 visible tokens
            flops += find(analysisOf(*m_llama, m_device, at), "attention")->flops;
        }
        QVERIFY2(isNear(attention->flops, flops, 1e-9), qPrintable(u"%1 %2"_s.arg(attention->flops).arg(flops)));
        // Times may bend inside a piece of the sum; the result of the whole answer is exact.
        QVERIFY(isNear(chat.stageSeconds, chat.result("total_time")->value, 1e-3));
    }

    void llmViewersChatIsReproduced_data()
    {
        QTest::addColumn<int>("mode");
        QTest::addColumn<double>("generated");
        QTest::addRow("2409, few tokens") << int(RooflineMode::Lv2409) << 4.0;
        QTest::addRow("2409, many tokens") << int(RooflineMode::Lv2409) << 100.0;
        QTest::addRow("2407") << int(RooflineMode::Lv2407) << 100.0;
    }
    void llmViewersChatIsReproduced()
    {
        namespace lv = roofline::llm_viewer;
        QFETCH(int, mode);
        QFETCH(double, generated);
        const roofline::HardwareSpec device = deviceOf("nvidia_A6000");
        const RooflineSetting setting {
            .mode = RooflineMode(mode), .stage = RooflineStage::Chat, .generated = generated};
        const RooflineAnalysis analysis = analysisOf(*m_llama, device, setting);
        const auto hardware = lv::hardwareFrom(device);
        QVERIFY(hardware.ok());
        lv::Setting wanted {.sequenceLength = 1024, .flashAttention = true};
        const auto document =
            lv::graphDocument(RooflineMode(mode) == RooflineMode::Lv2407 ? lv::Profile::Lv2407 : lv::Profile::Lv2409,
                              m_llama->llmViewer.value(), hardware.value(),
                              {.stage = lv::GraphStage::Chat, .setting = wanted, .generationLength = generated});
        QVERIFY(document.ok());
        const core::Json& totals = document.value().at("total_results").at("chat");
        QCOMPARE(analysis.result("total_time")->value, totals.at("inference_time").get<double>());
        QCOMPARE(analysis.result("flops")->value, totals.at("OPs").get<double>());
        for (const core::Json& node : document.value().at("nodes")) {
            if (!node.contains("info") || !node.at("info").contains("OPs"))
                continue;
            const AnalysedOperation* operation = find(analysis, node.at("id").get<std::string>().c_str());
            QVERIFY(operation);
            QVERIFY(isNear(operation->flops, node.at("info").at("OPs").get<double>(), 1e-12));
            QVERIFY(isNear(operation->bytes(), node.at("info").at("memory_access").get<double>(), 1e-12));
        }
    }

    void impossibleSettingsSayWhy_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<QByteArray>("device");
        QTest::addColumn<int>("mode");
        QTest::addColumn<int>("devices");
        QTest::addColumn<QByteArray>("said");
        QTest::addRow("no fp32 rate") << QByteArray("Llama-2-7b") << QByteArray("nvidia_A100")
                                      << int(RooflineMode::Accurate) << 1 << QByteArray("fp32");
        QTest::addRow("tensor parallel") << QByteArray("Llama-2-7b") << QByteArray("NVIDIA A100 SXM 80GB")
                                         << int(RooflineMode::Accurate) << 64 << QByteArray("64");
        QTest::addRow("not measured") << QByteArray("Llama-2-7b") << QByteArray("NVIDIA A100 SXM 80GB")
                                      << int(RooflineMode::Calibrated) << 1
                                      << QByteArray("NVIDIA A100 SXM 80GB was not measured");
        QTest::addRow("no LLM-Viewer family") << QByteArray("Mixtral-8x7B") << QByteArray("nvidia_A100")
                                              << int(RooflineMode::Lv2409) << 1 << QByteArray("mixtral");
    }
    void impossibleSettingsSayWhy()
    {
        QFETCH(QByteArray, model);
        QFETCH(QByteArray, device);
        QFETCH(int, mode);
        QFETCH(int, devices);
        QFETCH(QByteArray, said);
        const RooflineSetting setting {.mode = RooflineMode(mode), .tensorParallel = devices};
        const auto analysis = analyseRoofline(
            test::caseOf(test::modelOf(m_folders, QString::fromLatin1(model)), deviceOf(device.constData()), setting));
        QVERIFY(!analysis.ok());
        QVERIFY2(analysis.error().message.find(said.toStdString()) != std::string::npos,
                 analysis.error().message.c_str());
    }

    void graphFollowsTheDataFlow_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<int>("mode");
        QTest::addColumn<QByteArrayList>("edges");
        QTest::addRow("accurate") << QByteArray("Llama-2-7b") << int(RooflineMode::Accurate)
                                  << QByteArrayList {"attn_norm>q_proj",  "q_proj>rope",     "attention>o_proj",
                                                     "gate_proj>mlp_act", "up_proj>mlp_act", "entry>attn_norm",
                                                     "mlp_add>head",      "input>entry",     "head>output"};
        QTest::addRow("LLM-Viewer") << QByteArray("Llama-2-7b") << int(RooflineMode::Lv2409)
                                    << QByteArrayList {"attn_norm>q_proj", "fused_attention>out_proj",
                                                       "attn_add>mlp_norm", "input>attn_norm", "mlp_add>head"};
        QTest::addRow("mixture") << QByteArray("Mixtral-8x7B") << int(RooflineMode::Accurate)
                                 << QByteArrayList {"mlp_norm>router", "permute>expert_up", "unpermute>mlp_add",
                                                    "mlp_add>head"};
    }
    void graphFollowsTheDataFlow()
    {
        QFETCH(QByteArray, model);
        QFETCH(int, mode);
        QFETCH(QByteArrayList, edges);
        const RooflineAnalysis analysis =
            analysisOf(test::modelOf(m_folders, QString::fromLatin1(model)), m_device, {.mode = RooflineMode(mode)});
        const NetworkGraph graph = buildNetwork(analysis, -1);
        QByteArrayList found;
        for (const NetworkEdge& edge : graph.edges) {
            const NetworkNode& from = graph.nodes[std::size_t(edge.from)];
            const NetworkNode& to = graph.nodes[std::size_t(edge.to)];
            found << QByteArray::fromStdString(from.label + ">" + to.label);
            QVERIFY(from.place.y() < to.place.y()); // top down
        }
        for (const QByteArray& edge : edges)
            QVERIFY2(found.contains(edge), (edge + " in " + found.join(' ')).constData());
        for (std::size_t a = 0; a < graph.nodes.size(); ++a) { // none lies on another
            for (std::size_t b = a + 1; b < graph.nodes.size(); ++b) {
                const QPointF way = graph.nodes[a].place - graph.nodes[b].place;
                QVERIFY(std::abs(way.x()) > 0.999 || std::abs(way.y()) > 0.5);
            }
        }
    }

    void anySectionUnfolds()
    {
        const RooflineAnalysis analysis = analysisOf(test::modelOf(m_folders, u"DeepSeek-V2-Lite"_s), m_device, {});
        const NetworkGraph first = buildNetwork(analysis, -1);
        QCOMPARE(int(first.sections.size()), 4); // entry, one dense layer, the layers of experts, head
        for (int section = 0; section < int(first.sections.size()); ++section) {
            const NetworkGraph graph = buildNetwork(analysis, section);
            QCOMPARE(graph.expanded, section);
            for (int i = 0; i < int(analysis.operations.size()); ++i)
                QVERIFY(graph.nodeOf(i) >= 0);
        }
    }

    void sweepsFollowTheSetting()
    {
        const RooflineSetting setting;
        const SweepResult result =
            sweepRoofline(test::caseOf(*m_llama, m_device, setting),
                          {.x = SweepAxis::Batch, .series = SweepAxis::WeightBits, .quantity = "memory"});
        QCOMPARE(int(result.curves.size()), 4);
        QCOMPARE(result.capacityBytes, 80e9);
        for (const SweepCurve& curve : result.curves) {
            RooflineSetting at = setting;
            at.weightBits = curve.value;
            for (const SweepPoint& point : curve.points) {
                QCOMPARE(point.fits, point.y <= 80e9);
                if (point.x != 1)
                    continue;
                QCOMPARE(point.y, analysisOf(*m_llama, m_device, at).result("memory")->value);
            }
            QVERIFY(!curve.points.back().fits); // 1024 sequences of 1152 tokens are 640 GB of cache
        }
    }

    void sweepsLeaveOutWhatIsRefused()
    {
        const SweepResult some = sweepRoofline(
            test::caseOf(*m_llama, m_device, {}),
            {.x = SweepAxis::TensorParallel, .series = SweepAxis::None, .quantity = "time_per_output_token"});
        QCOMPARE(int(some.curves.size()), 1);
        QCOMPARE(some.curves[0].points.back().x, 32.0); // 64 does not divide 32 heads
        const SweepResult none = sweepRoofline(test::caseOf(*m_llama, deviceOf("nvidia_A100"), {}), {});
        QVERIFY(none.curves.empty() && none.error);
    }

    void everyAxisChangesSomething_data()
    {
        QTest::addColumn<int>("axis");
        QTest::addColumn<QByteArray>("quantity");
        QTest::addRow("batch") << int(SweepAxis::Batch) << QByteArray("tokens_per_second");
        QTest::addRow("prompt") << int(SweepAxis::Prompt) << QByteArray("time_to_first_token");
        QTest::addRow("generated") << int(SweepAxis::Generated) << QByteArray("total_time");
        QTest::addRow("weight bits") << int(SweepAxis::WeightBits) << QByteArray("memory");
        QTest::addRow("cache bits") << int(SweepAxis::CacheBits) << QByteArray("memory");
        QTest::addRow("bandwidth") << int(SweepAxis::Bandwidth) << QByteArray("time_per_output_token");
        QTest::addRow("tensor parallel") << int(SweepAxis::TensorParallel) << QByteArray("memory");
    }
    void everyAxisChangesSomething()
    {
        QFETCH(int, axis);
        QFETCH(QByteArray, quantity);
        const SweepResult result =
            sweepRoofline(test::caseOf(*m_llama, m_device, {}),
                          {.x = SweepAxis(axis), .series = SweepAxis::None, .quantity = quantity.toStdString()});
        QCOMPARE(int(result.curves.size()), 1);
        const auto& points = result.curves[0].points;
        QVERIFY(points.size() > 4);
        QVERIFY(points.front().y != points.back().y);
        for (std::size_t i = 1; i < points.size(); ++i)
            QVERIFY(points[i].x > points[i - 1].x);
    }

    void comparisonPutsBothSideBySide()
    {
        const RooflineAnalysis a = analysisOf(*m_llama, m_device, {});
        const RooflineAnalysis b = analysisOf(*m_llama, m_device, {.weightBits = 4, .flash = false});
        bool hasFlash = false;
        bool hasEager = false;
        for (const ComparedValue& value : compared(a, b)) {
            if (value.quantity == "memory_weights")
                QVERIFY(value.b / value.a < 0.3);
            hasFlash = hasFlash || (value.title.endsWith(u" attention"_s) && std::isnan(value.b));
            hasEager = hasEager || (value.title.endsWith(u" softmax"_s) && std::isnan(value.a));
        }
        QVERIFY(hasFlash && hasEager);
    }

    void sessionKeepsTheOperationInSight()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, views::toPath(m_folders.path(u"none.csv"_s)));
        session.openModel(m_folders.config(u"Llama-2-7b"_s));
        QVERIFY(session.analysis());
        int index = -1;
        for (int i = 0; i < int(session.analysis()->operations.size()); ++i)
            index = session.analysis()->operations[std::size_t(i)].name == "down_proj" ? i : index;
        session.select(index);
        RooflineSetting setting = session.setting();
        setting.flash = false; // two operations more in front of it
        session.setSetting(setting);
        QCOMPARE(session.analysis()->operations[std::size_t(*session.selected())].name, std::string("down_proj"));
        QVERIFY(*session.selected() != index);
    }

    void otherDevicesAreDrawn()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, views::toPath(m_folders.path(u"none.csv"_s)));
        session.openModel(m_folders.config(u"Llama-2-7b"_s));
        const std::size_t own = session.roofs().size();
        QCOMPARE(own, std::size_t(2)); // bf16 and fp32
        session.setAllTypesDrawn(true);
        QVERIFY(session.roofs().size() > 5);
        session.setAllTypesDrawn(false);
        session.setOtherDevices({u"NVIDIA H100 SXM 80GB"_s});
        QCOMPARE(session.roofs().size(), own * 2);
    }

    void measuredMachinesAreDevices()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, ownFileWithMachine(u"measured"_s));
        session.openModel(m_folders.write(u"planted"_s, roofline::test::plantedConfig().dump()));
        session.setDevice(u"planted"_s);
        QCOMPARE(session.device().origin, roofline::DeviceOrigin::Machine);
        QVERIFY(session.analysis());
        const std::vector<Roof> roofs = session.roofs();
        QVERIFY(std::all_of(roofs.begin(), roofs.end(), [](const Roof& roof) { return roof.isMeasured; }));
        QCOMPARE(std::count_if(roofs.begin(), roofs.end(), [](const Roof& roof) { return !roof.level.empty(); }),
                 2);                                        // the last one and that of a core
        QTRY_VERIFY(!session.analysis()->measured.empty()); // its timed parts follow
        const auto pointsOf = [&](RooflineStage stage) {
            RooflineSetting setting = session.setting();
            setting.stage = stage;
            session.setSetting(setting);
            return session.analysis()->measured;
        };
        const auto decode = pointsOf(RooflineStage::Decode);
        const auto prefill = pointsOf(RooflineStage::Prefill);
        const auto intensityOf = [](const std::vector<MeasuredPoint>& points) {
            const auto query = std::find_if(points.begin(), points.end(),
                                            [](const MeasuredPoint& point) { return point.operation == "q_proj"; });
            return query == points.end() ? 0 : query->intensity;
        };
        QVERIFY(intensityOf(decode) > 0);
        QVERIFY(intensityOf(prefill) > intensityOf(decode));
        QVERIFY(pointsOf(RooflineStage::Chat).empty());
        session.openModel(m_folders.config(u"Llama-2-7b"_s)); // not what was timed
        QVERIFY(session.analysis()->measured.empty());
    }

    void calibratedResultsAreThoseOfTheLibrary_data()
    {
        QTest::addColumn<int>("stage");
        QTest::addRow("decode") << int(RooflineStage::Decode);
        QTest::addRow("prefill") << int(RooflineStage::Prefill);
    }
    void calibratedResultsAreThoseOfTheLibrary()
    {
        QFETCH(int, stage);
        RooflineCase wanted = calibratedCase();
        wanted.setting.stage = RooflineStage(stage);
        const auto analysis = analyseRoofline(wanted);
        QVERIFY2(analysis.ok(), analysis.ok() ? "" : analysis.error().sentence().c_str());
        const auto expected = roofline::predictCalibrated(*wanted.machine, wanted.model->shape.value(),
                                                          {.batch = 2, .prompt = 100, .generated = 20});
        QVERIFY(expected.ok());
        QCOMPARE(analysis.value().result("time_to_first_token")->value, expected.value().timeToFirstToken);
        QCOMPARE(analysis.value().result("time_per_output_token")->value, expected.value().timePerOutputToken);
        const roofline::StepPrediction& step =
            stage == int(RooflineStage::Prefill) ? expected.value().prefill : expected.value().decode;
        QVERIFY(isNear(analysis.value().stageSeconds, step.layerSeconds, 1e-12));
        QVERIFY(analysis.value().explanation && !analysis.value().explanation->isTried);
        const auto results = rooflineResults(wanted);
        QVERIFY(results.ok());
        QCOMPARE(results.value().size(), analysis.value().results.size());
    }

    void calibratedModeHasNoWholeAnswer()
    {
        RooflineCase wanted = calibratedCase();
        wanted.setting.stage = RooflineStage::Chat;
        const auto analysis = analyseRoofline(wanted);
        QVERIFY(!analysis.ok());
        QVERIFY(analysis.error().hint.find("Prefill") != std::string::npos);
    }

    void profilesAreImported()
    {
        const auto own = views::toPath(m_folders.path(u"import/hardware.csv"_s));
        RooflineSession session(PARETOSCOPE_RESOURCES, own);
        const QString file = m_folders.path(u"from-elsewhere.json"_s);
        QVERIFY(writeTextFile(file, toQString(test::calibratedMachine().json().dump())).ok());
        QCOMPARE(session.importMachine(views::toPath(file)).value(), u"planted"_s);
        QCOMPARE(session.importMachine(views::toPath(file)).value(), u"planted-2"_s); // none is overwritten
        session.setDevice(u"planted-2"_s);
        QCOMPARE(session.device().machine->deviceName, std::string("a processor"));
        QVERIFY(session.removeMachine("planted-2").ok());
        QVERIFY(session.device().spec.name != "planted-2");
        QVERIFY(RooflineSession(PARETOSCOPE_RESOURCES, own).devices().back().spec.name == "planted");
        QVERIFY(writeTextFile(file, u"{}"_s).ok());
        const auto refused = session.importMachine(views::toPath(file));
        QVERIFY(!refused.ok());
        QVERIFY2(refused.error().message.find("from-elsewhere.json") != std::string::npos,
                 refused.error().message.c_str());
    }

    void projectsBringTheirDevices()
    {
        const auto own = ownFileWithMachine(u"mine"_s);
        roofline::HardwareSpec mine = m_device;
        mine.name = "My card";
        QVERIFY(saveOwnDevice(own, mine).ok());
        ProjectSnapshot records;
        roofline::HardwareSpec faster = mine;
        faster.bandwidthBytesPerSecond *= 2;
        roofline::HardwareSpec theirs = m_device;
        theirs.name = "Their card";
        roofline::MachineProfile otherMachine = test::calibratedMachine();
        otherMachine.measuredUtc = "2025-02-01T10:00:00.000Z";
        records.devices = {roofline::deviceRecordOf(faster), roofline::deviceRecordOf(theirs)};
        records.machines = {{.name = "planted", .profile = otherMachine.json()}};
        RooflineSession session(PARETOSCOPE_RESOURCES, own);
        QSignalSpy changes(&session, &RooflineSession::devicesChanged);
        const SnapshotPtr snapshot = makeSnapshot(std::move(records));
        session.setProject(snapshot);
        session.setProject(snapshot);
        QCOMPARE(changes.count(), 1); // a snapshot with the same ones changes nothing
        const auto originOf = [&](const QString& name) {
            session.setDevice(name);
            return session.device().spec.name == name.toStdString() ? int(session.device().origin) : -1;
        };
        QCOMPARE(originOf(u"My card"_s), int(roofline::DeviceOrigin::Own));
        QCOMPARE(originOf(u"My card (project)"_s), int(roofline::DeviceOrigin::Project));
        QCOMPARE(session.device().spec.bandwidthBytesPerSecond, faster.bandwidthBytesPerSecond);
        QCOMPARE(originOf(u"Their card"_s), int(roofline::DeviceOrigin::Project));
        QCOMPARE(originOf(u"planted (project)"_s), int(roofline::DeviceOrigin::ProjectMachine));
        session.setProject(nullptr);
        QCOMPARE(originOf(u"Their card"_s), -1);
    }

    void equalDevicesOfAProjectStandOnce()
    {
        const auto own = ownFileWithMachine(u"once"_s);
        roofline::HardwareSpec mine = m_device;
        mine.name = "My card";
        QVERIFY(saveOwnDevice(own, mine).ok());
        RooflineSession session(PARETOSCOPE_RESOURCES, own);
        const std::size_t before = session.devices().size();
        ProjectSnapshot records;
        records.devices = {roofline::deviceRecordOf(readOwnDevices(own).value()[0])};
        records.machines = {{.name = "planted", .profile = test::calibratedMachine().json()}};
        session.setProject(makeSnapshot(std::move(records)));
        QCOMPARE(session.devices().size(), before);
    }

    void damagedDevicesOfAProjectAreTold()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, views::toPath(m_folders.path(u"none.csv"_s)));
        QSignalSpy failed(&session, &RooflineSession::failed);
        ProjectSnapshot records;
        records.devices = {{.name = "odd", .cells = {{"name", "odd"}, {"bandwidth_GBps", "NaN"}}}};
        records.machines = {{.name = "broken", .profile = {{"schema", "something"}}}};
        session.setProject(makeSnapshot(std::move(records)));
        QCOMPARE(failed.count(), 2);
        const auto error = failed.first().first().value<core::Error>();
        QVERIFY2(error.message.find("device odd of the project") != std::string::npos, error.message.c_str());
    }

    void problemsOfDevicesAreFoundInTheBackground()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, views::toPath(m_folders.path(u"none.csv"_s)));
        session.openModel(m_folders.config(u"Llama-2-7b"_s));
        QSignalSpy found(&session, &RooflineSession::problemsFound);
        session.findProblems();
        session.findProblems(); // being found
        QTRY_COMPARE(found.count(), 1);
        QVERIFY(session.problems().contains(u"nvidia_A100"_s));
        QVERIFY(!session.problems().contains(u"NVIDIA A100 SXM 80GB"_s));
        RooflineSetting setting = session.setting();
        setting.mode = RooflineMode::Lv2409;
        session.setSetting(setting);
        QVERIFY(session.problems().empty()); // those of another mode say nothing
        session.findProblems();
        QTRY_COMPARE(found.count(), 2);
        QVERIFY(!session.problems().contains(u"nvidia_A100"_s));
    }

    void draftsArePredicted()
    {
        RooflineCase wanted = test::caseOf(*m_llama, m_device, {.drafted = 3, .acceptance = 70});
        wanted.draft = std::make_shared<const RooflineModel>(test::modelOf(m_folders, u"OPT-125m"_s));
        const auto expected = roofline::predictSpeculation(m_llama->shape.value(), wanted.draft->shape.value(), {},
                                                           {.batch = 1, .prompt = 1024, .generated = 128}, 0.7, 3,
                                                           m_device, roofline::Efficiency::ideal());
        QVERIFY(expected.ok());
        const auto analysis = analyseRoofline(wanted);
        QVERIFY(analysis.ok());
        QCOMPARE(analysis.value().result("speculative_speedup")->value, expected.value().speedup);
        QCOMPARE(analysis.value().result("speculative_time_per_token")->value, expected.value().perToken);
        QCOMPARE(analysis.value().result("speculative_tokens")->value, roofline::expectedTokens(0.7, 3));
        QVERIFY(!analysisOf(*m_llama, m_device, {}).result("speculative_speedup"));
    }

    void expertsAreDealtAmongDevices()
    {
        const RooflineModel mixture = test::modelOf(m_folders, u"Mixtral-8x7B"_s);
        QVERIFY(mixture.hasExperts() && !m_llama->hasExperts());
        const double one = analysisOf(mixture, m_device, {}).result("memory_weights")->value;
        const double four = analysisOf(mixture, m_device, {.expertParallel = 4}).result("memory_weights")->value;
        QVERIFY2(four < one / 2, qPrintable(u"%1 -> %2"_s.arg(one).arg(four)));
    }

    void trialsArePredictedAsTheyAreStored()
    {
        const auto [trial, stored] = storedTrial();
        RooflineCase wanted = test::caseOf(rooflineModelOf("small", roofline::test::plantedConfig()).value(), m_device,
                                           {.batch = 2, .prompt = 100, .generated = 20});
        const double plain = analyseRoofline(wanted).value().result("time_per_output_token")->value;
        wanted.stored = stored;
        const auto expected = roofline::predictGeneration(
            *stored, {.hardware = m_device, .request = {.batch = 2, .prompt = 100, .generated = 20}});
        QVERIFY(expected.ok());
        const RooflineAnalysis analysis = analyseRoofline(wanted).value();
        QCOMPARE(analysis.result("time_per_output_token")->value, expected.value().timePerOutputToken);
        QCOMPARE(analysis.result("memory")->value, expected.value().memory.total());
        QCOMPARE(analysis.result("memory_weights")->value, stored->storedBytes);
        QVERIFY(analysis.result("time_per_output_token")->value < plain);
        wanted.setting.mode = RooflineMode::Lv2409;
        const auto refused = analyseRoofline(wanted);
        QVERIFY(!refused.ok());
        QVERIFY2(refused.error().hint.find("accurate mode") != std::string::npos, refused.error().hint.c_str());
    }

    void stageTellsItsIntensity()
    {
        const RooflineAnalysis analysis = analysisOf(*m_llama, m_device, {.batch = 4});
        double flops = 0;
        double bytes = 0;
        for (const AnalysedOperation& operation : analysis.operations) {
            flops += operation.count * operation.flops;
            bytes += operation.count * operation.bytes();
        }
        QVERIFY(isNear(analysis.result("intensity")->value, flops / bytes, 1e-12));
    }

    void sweepsEndWhenTheyAreCancelled()
    {
        int asked = 0;
        const SweepResult result = sweepRoofline(test::caseOf(*m_llama, m_device, {}), {.series = SweepAxis::None},
                                                 [&] { return ++asked == 3; });
        QCOMPARE(asked, 3);
        QVERIFY(result.curves.empty());
    }

    void axesThatAreGivenDoNotRun_data()
    {
        QTest::addColumn<int>("axis");
        QTest::addColumn<bool>("runs");
        QTest::addRow("batch") << int(SweepAxis::Batch) << true;
        QTest::addRow("weight bits") << int(SweepAxis::WeightBits) << false;
        QTest::addRow("bandwidth") << int(SweepAxis::Bandwidth) << false;
    }
    void axesThatAreGivenDoNotRun()
    {
        QFETCH(int, axis);
        QFETCH(bool, runs);
        const SweepResult result =
            sweepRoofline(calibratedCase(),
                          {.x = SweepAxis(axis), .series = SweepAxis::WeightBits, .quantity = "time_per_output_token"});
        QCOMPARE(!result.error, runs);
        QCOMPARE(result.curves.size(), std::size_t(runs ? 1 : 0));
        if (runs)
            QCOMPARE(result.request.series, SweepAxis::None);
    }

    void onlyTheNewestRequestDelivers()
    {
        QThreadPool::globalInstance()->setMaxThreadCount(std::max(2, QThread::idealThreadCount()));
        QSemaphore gate;
        QList<int> delivered;
        QObject context;
        NewestRequest<int> request(&context, [&](int value) { delivered << value; });
        request.start([&gate](QPromise<int>& promise) {
            gate.acquire();
            promise.addResult(1);
        });
        request.start([](QPromise<int>& promise) { promise.addResult(2); });
        QTRY_COMPARE(delivered, QList<int> {2});
        gate.release();
        QThreadPool::globalInstance()->waitForDone();
        QCoreApplication::processEvents();
        QCOMPARE(delivered, QList<int> {2});
        request.start([](QPromise<int>& promise) { promise.addResult(3); });
        request.cancel();
        QThreadPool::globalInstance()->waitForDone();
        QCoreApplication::processEvents();
        QCOMPARE(delivered, QList<int> {2});
    }

    void unreadableModelsSayWhatIsMissing()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, views::toPath(m_folders.path(u"none.csv"_s)));
        QSignalSpy failed(&session, &RooflineSession::failed);
        session.openModel(m_folders.write(u"odd"_s, R"({"model_type": "no_such_family", "hidden_size": 64})"));
        QCOMPARE(failed.count(), 1);
        QVERIFY(!session.model());
        const auto error = failed.first().first().value<core::Error>();
        QVERIFY2(error.message.find("no_such_family") != std::string::npos, error.message.c_str());
    }

    void imagesAreOnePass()
    {
        RooflineSession session(PARETOSCOPE_RESOURCES, views::toPath(m_folders.path(u"none.csv"_s)));
        session.openModel(
            m_folders.write(u"dit"_s, R"({"depth": 28, "num_heads": 16, "hidden_size": 1152, "mlp_ratio": 4.0})"));
        QVERIFY(session.analysis());
        QVERIFY(!session.model()->hasAnswers());
        QCOMPARE(session.setting().stage, RooflineStage::Prefill);
        QVERIFY(session.analysis()->result("images_per_second")->value > 0);
    }

    void ownDevicesAreKept()
    {
        const auto file = views::toPath(m_folders.path(u"settings/hardware.csv"_s));
        QVERIFY(readOwnDevices(file).value().empty());
        roofline::HardwareSpec device = m_device;
        device.name = "My card";
        device.bandwidthBytesPerSecond = 1e12;
        QVERIFY(saveOwnDevice(file, device).ok());
        device.name = "my CARD"; // the same one
        device.bandwidthBytesPerSecond = 2e12;
        QVERIFY(saveOwnDevice(file, device).ok());
        const auto own = readOwnDevices(file);
        QVERIFY(own.ok());
        QCOMPARE(own.value().size(), std::size_t(1));
        QCOMPARE(own.value()[0].bandwidthBytesPerSecond, 2e12);
        RooflineSession session(PARETOSCOPE_RESOURCES, file);
        session.setDevice(u"my CARD"_s);
        QCOMPARE(session.device().spec.bandwidthBytesPerSecond, 2e12);
        QVERIFY(removeOwnDevice(file, "My card").ok());
        session.reloadDevices();
        QCOMPARE(session.device().spec.name, std::string("NVIDIA A100 SXM 80GB"));
    }

private:
    /// The user's hardware.csv, which is not there, with a calibrated machine "planted" in the folder beside it.
    std::filesystem::path ownFileWithMachine(const QString& folder) const
    {
        const auto file = views::toPath(m_folders.path(folder + u"/hardware.csv"_s));
        const auto kept = roofline::keepMachineProfile(test::calibratedMachine(), file.parent_path() / "machines");
        if (!kept.ok())
            qFatal("%s", kept.error().sentence().c_str());
        return file;
    }

    static RooflineCase calibratedCase()
    {
        const auto machine = std::make_shared<const roofline::MachineProfile>(test::calibratedMachine());
        return {.model = std::make_shared<const RooflineModel>(
                    rooflineModelOf("planted", roofline::test::plantedConfig()).value()),
                .device = machine->hardware(),
                .setting = {.mode = RooflineMode::Calibrated, .batch = 2, .prompt = 100, .generated = 20},
                .machine = machine};
    }

    /// A trial whose linears are rounded to 3 bits, and its model.
    static std::pair<core::TrialRecord, std::shared_ptr<const roofline::CompressedModel>> storedTrial()
    {
        using namespace roofline::test;
        const std::vector<core::WorkloadRecord> workloads {workloadOf("small", plantedConfig())};
        core::TrialRecord trial = trialOf("rtn", "small", storedModelOf(plantedConfig(), roundedTo(3, 64)));
        roofline::TrialPredictor predictor(workloads, PARETOSCOPE_RESOURCES "/architectures");
        auto model = predictor.modelOf(trial);
        if (!model.ok())
            qFatal("%s", model.error().sentence().c_str());
        return {trial, std::make_shared<const roofline::CompressedModel>(std::move(model).value())};
    }

    test::ConfigFolders m_folders;
    std::optional<RooflineModel> m_llama;
    roofline::HardwareSpec m_device;
};

QTEST_MAIN(TstRooflineAnalysis)
#include "tst_roofline_analysis.moc"
