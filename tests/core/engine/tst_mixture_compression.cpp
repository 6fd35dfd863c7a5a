// SPDX-License-Identifier: Apache-2.0
// Methods on mixtures of experts: every expert is a unit, and its statistics come from the tokens sent to it alone.
#include "core/engine/accounting/stored_size.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/stage/unit_selection.h"
#include "core/engine/statistics/activation_statistics.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/bystanders.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <limits>
#include <map>
#include <random>

using namespace paretoscope;
using namespace paretoscope::engine;
using paretoscope::tests::NoServices;
using paretoscope::tests::SilentObserver;

namespace {

namespace fs = std::filesystem;

const fs::path kTinyMixture = PARETOSCOPE_RESOURCES "/models/tiny-qwen3-moe";

/// A model of the parity data, or a variant that they do not have.
fs::path parityModel(const char* name)
{
    const fs::path model = fs::path(PARETOSCOPE_TEST_DATA "/parity/models") / name;
    return fs::exists(model) ? model : fs::path(PARETOSCOPE_TEST_DATA "/families") / name;
}

/// A model with a few random calibration sequences.
struct Fixture
{
    std::unique_ptr<WarmModel> model;
    PluginHost plugins {{PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"}};
    Calibration calibration;
    ModelTensors tensors;
    TrialLog log;
    RunTimeParts parts;
    NoServices services;
    SilentObserver observer;
    StatisticCache cache {{}};

    explicit Fixture(const fs::path& folder, int sequences = 8, int length = 48)
        : model(WarmModel::load(folder, PARETOSCOPE_RESOURCES "/architectures", core::Bytes {1 << 28}).value())
        , tensors(model->tensors())
    {
        at::set_num_threads(1);
        std::mt19937 random(5);
        const auto vocabulary = static_cast<std::uint32_t>(model->graph().architecture().vocabSize);
        calibration.identity = {{"test", folder.filename().string()}};
        for (int i = 0; i < sequences; ++i) {
            auto& sample = calibration.samples.emplace_back();
            for (int t = 0; t < length; ++t)
                sample.push_back(static_cast<std::int32_t>(random() % vocabulary));
        }
    }

    core::Status run(Stage& stage)
    {
        const c10::InferenceMode noGradients;
        return runStage(stage, {model->graph(), tensors, &calibration, plugins.statistics(), cache, services, observer,
                                log, 7, parts});
    }

    core::Status run(const char* plugin, const core::Json& parameters)
    {
        const core::PluginManifest* manifest = plugins.catalogue().find(plugin).value();
        core::StageSpec spec;
        spec.plugin = manifest->id;
        spec.version = manifest->version;
        PSC_ASSIGN(spec.parameters, core::resolveParameters(*manifest, parameters));
        PSC_ASSIGN(const std::unique_ptr<Stage> stage, plugins.makeStage(spec));
        return run(*stage);
    }

    std::map<std::string, double> records(const char* name) const
    {
        std::map<std::string, double> found;
        for (const core::LayerMetricRecord& record : log.layerMetrics) {
            if (record.name == name && record.value)
                found[record.module] = *record.value;
        }
        return found;
    }
};

/// Remembers how many tokens reached every unit and how the statistic of their input was answered.
class Counter : public Stage
{
public:
    explicit Counter(Propagate propagate = Propagate::Step)
        : m_propagate(propagate)
    {}

    core::Status validate(const ModelView&) const override { return core::success(); }
    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        StagePlan plan;
        plan.propagate = m_propagate;
        plan.statistics = {{.id = "column_square_mean"}};
        for (std::size_t i = 0; i < model.units.size(); ++i)
            plan.targets.push_back(i);
        return plan;
    }
    core::Status apply(StageTask& task) override
    {
        const Unit& unit = *task.units().front();
        const auto seen = task.statistic(unit, "column_square_mean");
        tokens[unit.module] = task.tokens(unit);
        answered[unit.module] = seen.ok();
        if (seen.ok() && seen.value().value.size(0) != unit.inFeatures)
            return core::Error {core::ErrorCode::Corrupt, "a statistic of another width", ""};
        energies[unit.module] = seen.ok() ? seen.value().value.sum().item<double>() : 0;
        if (halves && unit.expert >= 0 && !unit.role.ends_with(".down"))
            task.replace(unit, std::make_shared<DenseTensor>(task.weight(unit) / 2, core::ElementType::F32));
        return core::success();
    }

    bool halves = false; ///< what widens in every expert
    std::map<std::string, std::int64_t> tokens;
    std::map<std::string, bool> answered;
    std::map<std::string, double> energies;

private:
    Propagate m_propagate;
};

} // namespace

class TstMixtureCompression : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void unitsNameExpertsAndLeaveRoutersAlone_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<int>("units");   // of all blocks
        QTest::addColumn<int>("routers"); // and gates of shared experts
        QTest::addColumn<int>("experts"); // units that belong to a routed expert
        QTest::addRow("separate tensors") << QByteArray("mixtral") << 2 * (4 + 1 + 8 * 3) << 2 << 2 * 8 * 3;
        QTest::addRow("shared expert with gate")
            << QByteArray("qwen2_moe") << 2 * (4 + 2 + 3 + 8 * 3) << 4 << 2 * 8 * 3;
        QTest::addRow("stacked tensors") << QByteArray("granitemoe") << 2 * (4 + 1 + 8 * 2) << 2 << 2 * 8 * 2;
        QTest::addRow("stacked and transposed") << QByteArray("gpt_oss") << 2 * (4 + 1 + 6 * 2) << 2 << 2 * 6 * 2;
        QTest::addRow("stacked tensors, shared expert without gate")
            << QByteArray("granitemoeshared") << 2 * (4 + 1 + 2 + 6 * 2) << 2 << 2 * 6 * 2;
        QTest::addRow("SparseMixer") << QByteArray("phimoe") << 2 * (4 + 1 + 6 * 3) << 2 << 2 * 6 * 3;
        QTest::addRow("latent attention, every second layer dense")
            << QByteArray("deepseek_v2_normalised") << 3 * 4 + 2 * (1 + 3 + 6 * 3) + 3 << 2 << 2 * 6 * 3;
        QTest::addRow("shared expert without gate, every other layer dense")
            << QByteArray("llama4_text") << 4 * 4 + 2 * 3 + 2 * (1 + 3 + 4 * 2) << 2 << 2 * 4 * 2;
        QTest::addRow("latent attention, dense layer first")
            << QByteArray("deepseek_v3") << 2 * 5 + 3 + 1 + 3 + 8 * 3 << 1 << 8 * 3;
    }
    void unitsNameExpertsAndLeaveRoutersAlone()
    {
        QFETCH(QByteArray, model);
        QFETCH(int, units);
        QFETCH(int, routers);
        QFETCH(int, experts);
        const Fixture fixture(parityModel(model.constData()));
        const ModelView& view = fixture.model->graph().view();
        QCOMPARE(int(view.units.size()), units);
        int foundRouters = 0;
        int foundExperts = 0;
        std::set<std::string> modules;
        for (const Unit& unit : view.units) {
            QVERIFY2(modules.insert(unit.module).second, unit.module.c_str());
            foundRouters += unit.byDefault ? 0 : 1;
            foundExperts += unit.expert >= 0 ? 1 : 0;
            QCOMPARE(unit.expert >= 0, unit.role.starts_with("moe.expert."));
            QCOMPARE(unit.byDefault, unit.role != "moe.router" && unit.role != "moe.shared_gate");
            const at::Tensor weight = fixture.tensors.read(unit.tensor).value();
            QCOMPARE(weight.sizes(), (at::IntArrayRef {unit.outFeatures, unit.inFeatures}));
        }
        QCOMPARE(foundRouters, routers);
        QCOMPARE(foundExperts, experts);
        QCOMPARE(int(selectUnits(view, core::Json::object()).value().size()), units - routers);
        QCOMPARE(int(selectUnits(view, {{"include", {view.units.back().module}}}).value().size()), 1);
    }

    void everyExpertSeesItsOwnTokens_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<int>("chosen");
        QTest::addRow("mixtral") << QByteArray("mixtral") << 2;
        QTest::addRow("gpt_oss") << QByteArray("gpt_oss") << 3;
        QTest::addRow("phimoe") << QByteArray("phimoe") << 2;
        QTest::addRow("llama4_text") << QByteArray("llama4_text") << 2;
    }
    void everyExpertSeesItsOwnTokens()
    {
        QFETCH(QByteArray, model);
        QFETCH(int, chosen);
        Fixture fixture(parityModel(model.constData()), 3, 20);
        Counter counter;
        const core::Status done = fixture.run(counter);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().message.c_str());
        const std::int64_t all = 3 * 20;
        std::map<std::string, std::int64_t> routed; ///< by block and role
        for (const Unit& unit : fixture.model->graph().view().units) {
            const std::int64_t tokens = counter.tokens.at(unit.module);
            QCOMPARE(counter.answered.at(unit.module), tokens > 0);
            if (unit.expert < 0)
                QCOMPARE(tokens, all);
            else
                routed[std::to_string(unit.block) + unit.role] += tokens;
        }
        for (const auto& [place, tokens] : routed)
            QVERIFY2(tokens == all * chosen, place.c_str());
    }

    void unreachedExpertsAreRememberedByTheCache()
    {
        const QTemporaryDir folder;
        const auto open = [&] {
            auto fixture = std::make_unique<Fixture>(kTinyMixture, 1, 3); // 3 tokens reach at most 12 of 16 experts
            fixture->cache = StatisticCache(folder.path().toStdString());
            return fixture;
        };
        const auto first = open();
        Counter counted(Propagate::Original);
        QVERIFY(first->run(counted).ok());
        QCOMPARE(first->log.statisticsFromCache, 0);
        const auto second = open();
        Counter cached(Propagate::Original);
        QVERIFY(second->run(cached).ok());
        QCOMPARE(second->log.statisticsComputed, 0);
        QVERIFY(cached.tokens == counted.tokens);
        QVERIFY(
            std::any_of(cached.answered.begin(), cached.answered.end(), [](const auto& unit) { return !unit.second; }));
    }

    void gptqBeatsRoundToNearest_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addRow("tiny-qwen3-moe") << QString::fromStdString(kTinyMixture.string());
        for (const char* name : {"mixtral", "qwen2_moe", "granitemoe", "gpt_oss", "deepseek_v3"})
            QTest::addRow("%s", name) << QString::fromStdString(parityModel(name).string());
    }
    void gptqBeatsRoundToNearest()
    {
        QFETCH(QString, model);
        // min_tokens beyond reach rounds every expert to nearest, with the same Hessians to judge it by.
        const core::Json common {{"bits", 4}, {"group_size", 32}, {"propagate", "original"}};
        core::Json guided = common;
        guided["min_tokens"] = 1;
        core::Json rounded = common;
        rounded["min_tokens"] = 1000000;
        Fixture gptq(model.toStdString());
        Fixture rtn(model.toStdString());
        core::Status done = gptq.run("gptq", guided);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        done = rtn.run("gptq", rounded);
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        const auto better = gptq.records("relative_output_error");
        const auto plain = rtn.records("relative_output_error");
        double sumBetter = 0;
        double sumPlain = 0;
        int experts = 0;
        for (const Unit& unit : gptq.model->graph().view().units) {
            if (unit.expert < 0)
                continue;
            QVERIFY2(better.contains(unit.module) && plain.contains(unit.module), unit.module.c_str());
            sumBetter += better.at(unit.module);
            sumPlain += plain.at(unit.module);
            ++experts;
        }
        qInfo("relative output error of %d experts' linears, mean: gptq %.5f, rtn %.5f", experts, sumBetter / experts,
              sumPlain / experts);
        QVERIFY(sumBetter < 0.9 * sumPlain);
    }

    void seldomExpertsAreRoundedAndListed()
    {
        Fixture fixture(kTinyMixture, 1, 3);
        const core::Status done = fixture.run("gptq", {{"bits", 4}, {"group_size", 64}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QCOMPARE(fixture.records("relative_weight_error").size(), std::size_t(4 * (4 + 16 * 3)));
        QCOMPARE(fixture.records("tokens").size(), std::size_t(4 * 16 * 3));
        QCOMPARE(fixture.log.warnings.size(), std::size_t(4 * 16 * 3));
        const std::vector<std::string> shown = summarisedWarnings(fixture.log.warnings);
        QCOMPARE(shown.size(), std::size_t(1));
        QCOMPARE(shown.front(),
                 std::string("model.layers.0.mlp.experts.0.gate_proj and 191 more: fewer than 64 calibration tokens "
                             "were routed to this expert; rounded to nearest"));
    }

    void stepSeesTheReplacedExperts_data()
    {
        QTest::addColumn<QByteArray>("model");
        for (const char* name : {"mixtral", "qwen2_moe", "granitemoe", "granitemoeshared", "gpt_oss", "gpt_oss_mxfp4",
                                 "phimoe", "deepseek_v2", "llama4_text"})
            QTest::addRow("%s", name) << QByteArray(name);
    }
    void stepSeesTheReplacedExperts()
    {
        QFETCH(QByteArray, model);
        Fixture fixture(parityModel(model.constData()), 3, 16);
        Counter untouched;
        QVERIFY(fixture.run(untouched).ok());
        Counter halving;
        halving.halves = true;
        QVERIFY(fixture.run(halving).ok());
        // What was seen on the way is what a pass through the finished model sees, bit for bit.
        Counter afterwards;
        QVERIFY(fixture.run(afterwards).ok());
        QVERIFY(halving.energies == afterwards.energies);
        int changed = 0;
        for (const auto& [module, energy] : afterwards.energies)
            changed += energy != untouched.energies[module] ? 1 : 0;
        QVERIFY(changed >= 8); // at least the down projections of the experts of one layer
    }

    void hooksReadAndReplaceRoutingAndExperts()
    {
        const Fixture fixture(parityModel("qwen2_moe"));
        const LanguageModel& graph = fixture.model->graph();
        const c10::InferenceMode noGradients;
        const std::vector<std::int32_t> ids {5, 80, 3, 44, 17, 9};
        const at::Tensor state = graph.enter(ids, LoadedTensors::load(fixture.tensors, graph.entryTensors()).value());
        const LoadedTensors tensors = LoadedTensors::load(fixture.tensors, graph.blockTensors(0)).value();
        const auto pass = [&](const Hooks& hooks) {
            const auto block = graph.begin(0, 0, state, tensors, hooks);
            while (!block->inputs().empty())
                block->advance(tensors);
            return block->output();
        };
        // Everything that one token gets, read through the hooks, is what the block adds.
        at::Tensor experts;
        at::Tensor weights;
        at::Tensor entry;
        at::Tensor routed;
        at::Tensor shared;
        const auto keep = [](at::Tensor& place) {
            return [&place](const HookSite&, const at::Tensor& value) { return place = value; };
        };
        const Hooks watch {{HookPoint::RouterExperts, keep(experts)},
                           {HookPoint::RouterWeights, keep(weights)},
                           {HookPoint::MlpInput, keep(entry)},
                           {HookPoint::ExpertInput,
                            [&](const HookSite& site, const at::Tensor& value) {
                                if (!at::equal(value, entry.index_select(0, site.tokens)))
                                    qFatal("expert %d reads other rows", site.expert);
                                return value;
                            }},
                           {HookPoint::ExpertOutput, [&](const HookSite& site, const at::Tensor& value) {
                                if (site.expert < 0) {
                                    shared = value;
                                    return value;
                                }
                                if (!routed.defined())
                                    routed = at::zeros_like(entry);
                                const at::Tensor factor =
                                    (weights * (experts == site.expert)).sum(1).index_select(0, site.tokens);
                                routed.index_add_(0, site.tokens, value * factor.unsqueeze(1));
                                return value;
                            }}};
        const at::Tensor untouched = pass(watch);
        QVERIFY(shared.defined() && shared.size(0) == 6);
        const auto silence = [](const HookSite&, const at::Tensor& value) { return at::zeros_like(value); };
        const at::Tensor silent = pass({{HookPoint::RouterWeights, silence}});
        QVERIFY(at::allclose(untouched - silent, routed, 1e-5, 1e-6));
        QVERIFY(
            at::allclose(pass({{HookPoint::RouterExperts,
                                [](const HookSite&, const at::Tensor& value) { return at::full_like(value, -1); }}}),
                         silent, 1e-6, 1e-7));

        // An expert whose logit is -inf is never chosen; another takes its place.
        const std::int64_t banned = experts[0][0].item<std::int64_t>();
        at::Tensor chosen;
        pass({{HookPoint::RouterLogits,
               [&](const HookSite&, const at::Tensor& value) {
                   return value.index_fill(1, at::tensor({banned}, at::kLong),
                                           -std::numeric_limits<double>::infinity());
               }},
              {HookPoint::RouterExperts, keep(chosen)}});
        QCOMPARE(chosen.sizes(), experts.sizes());
        QVERIFY(!(chosen == banned).any().item<bool>());
    }

    void storedBytesCountStackedTensorsExactly()
    {
        for (const char* name : {"granitemoe", "gpt_oss"}) {
            Fixture fixture(parityModel(name));
            const core::Architecture& architecture = fixture.model->graph().architecture();
            const std::int64_t before = storedSize(architecture, fixture.tensors).value;
            QCOMPARE(before, fixture.tensors.checkpoint().storedBytes().value);
            const Unit* unit = nullptr;
            for (const Unit& candidate : fixture.model->graph().view().units) {
                if (candidate.expert == 3)
                    unit = &candidate;
            }
            QVERIFY(unit);
            QVERIFY(fixture.run("rtn", {{"bits", 4}, {"group_size", 8}, {"include", {unit->module}}}).ok());
            std::int64_t packed = 0;
            for (const StoredPart& part : fixture.tensors.replacement(unit->tensor)->storedParts())
                packed += part.bits.value;
            // The other experts stay as they are, two bytes a weight.
            QCOMPARE(storedSize(architecture, fixture.tensors).value,
                     before - 2 * unit->outFeatures * unit->inFeatures + packed / 8);
            const std::string other = unit->tensor.substr(0, unit->tensor.find('[')) + "[2]";
            QVERIFY(!fixture.tensors.replacement(other));
            QVERIFY(at::equal(fixture.tensors.read(other).value(), fixture.tensors.readOriginal(other).value()));
        }
    }
};

QTEST_GUILESS_MAIN(TstMixtureCompression)
#include "tst_mixture_compression.moc"
