// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/driver_kind.h"
#include "views/format/text.h"
#include "views/sweep_builder/parameter_form.h"
#include "views/sweep_builder/pipelines_form.h"
#include "views/sweep_builder/sweep_builder.h"
#include "views/widgets/path_field.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

const QString kDemo = QStringLiteral(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml");
const QString kModel = QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");

std::shared_ptr<const core::PluginCatalogue> plugins()
{
    static const auto catalogue = std::make_shared<const core::PluginCatalogue>(
        core::PluginCatalogue::scan({std::filesystem::path(PARETOSCOPE_RESOURCES "/../plugins")}));
    return catalogue;
}

SweepDraft demoDraft()
{
    const auto sweep = core::readSweep(toPath(kDemo), *plugins());
    if (!sweep.ok())
        qFatal("%s", sweep.error().sentence().c_str());
    return draftOf(sweep.value(), *plugins());
}

const core::PluginManifest& gptq()
{
    return *plugins()->find("gptq").value();
}

struct Shown
{
    SweepBuilder builder {plugins(), kDemo};

    Shown()
    {
        builder.show();
        if (!QTest::qWaitForWindowExposed(&builder))
            qFatal("the builder did not show");
    }
    template <typename T>
    T* child(const QString& name)
    {
        return builder.findChild<T*>(name);
    }
};

} // namespace

class TstSweepBuilder : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QStandardPaths::setTestModeEnabled(true);
        QVERIFY2(!plugins()->all().empty(), "no plugin manifests in the source tree");
    }

    void textsAreValuesAndGrids_data()
    {
        QTest::addColumn<QString>("parameter");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("json");
        QTest::addColumn<bool>("good");
        QTest::addRow("number") << u"bits"_s << u"3"_s << u"[3]"_s << true;
        QTest::addRow("grid") << u"bits"_s << u"2, 3,4"_s << u"[2,3,4]"_s << true;
        QTest::addRow("half a bit") << u"bits"_s << u"5.5"_s << u"[5.5]"_s << false;
        QTest::addRow("out of range") << u"bits"_s << u"3, 9"_s << u"[3,9]"_s << false;
        QTest::addRow("no number") << u"bits"_s << u"three"_s << u"[\"three\"]"_s << false;
        QTest::addRow("trailing comma while typing") << u"bits"_s << u"2,"_s << u"[2]"_s << true;
        QTest::addRow("special value") << u"group_size"_s << u"-1, 64"_s << u"[-1,64]"_s << true;
        QTest::addRow("boolean") << u"symmetric"_s << u"true"_s << u"[true]"_s << true;
        QTest::addRow("choice") << u"propagate"_s << u"block, step"_s << u"[\"block\",\"step\"]"_s << true;
        QTest::addRow("unknown choice") << u"propagate"_s << u"sideways"_s << u"[\"sideways\"]"_s << false;
        QTest::addRow("list is one value")
            << u"exclude"_s << u"*.mlp.*, re:o_proj$"_s << u"[[\"*.mlp.*\",\"re:o_proj$\"]]"_s << true;
        QTest::addRow("a list with a comma inside")
            << u"exclude"_s << u"[\"re:q{1,2}\"]"_s << u"[[\"re:q{1,2}\"]]"_s << true;
        QTest::addRow("two lists") << u"exclude"_s << u"[[\"*.mlp.*\"],[]]"_s << u"[[\"*.mlp.*\"],[]]"_s << true;
    }
    void textsAreValuesAndGrids()
    {
        QFETCH(QString, parameter);
        QFETCH(QString, text);
        QFETCH(QString, json);
        QFETCH(bool, good);
        const core::ParameterSpec* spec = gptq().parameter(parameter.toStdString());
        QVERIFY(spec);
        QCOMPARE(toQString(core::Json(valuesOf(*spec, text)).dump()), json);
        QCOMPARE(problemOf(gptq(), *spec, text).isEmpty(), good);
        if (good)
            QCOMPARE(valuesOf(*spec, textOfValues(*spec, valuesOf(*spec, text))), valuesOf(*spec, text));
    }

    void rangesAreRead_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<bool>("good");
        QTest::addRow("range") << u"{from: 2, to: 8}"_s << true;
        QTest::addRow("on a condition") << u"{values: [2, 3], when: {symmetric: true}}"_s << true;
        QTest::addRow("while typing") << u"{from: 2, to"_s << false;
        QTest::addRow("of nothing") << u"{step: 2}"_s << false;
    }
    void rangesAreRead()
    {
        QFETCH(QString, text);
        QFETCH(bool, good);
        QVERIFY(isRange(text));
        QCOMPARE(rangeOf(text).has_value(), good);
        QCOMPARE(problemOf(gptq(), *gptq().parameter("bits"), text).isEmpty(), good);
    }

    void tabGoesFromTopToBottom()
    {
        Shown shown;
        shown.builder.loadDemo();
        shown.child<QListWidget>(u"pipelineList"_s)->setCurrentRow(1); // its stage is made now
        QCoreApplication::processEvents();                             // what was there before is gone
        shown.builder.check();
        const QStringList names {u"sweepName"_s,     u"pipelineList"_s, u"addPipeline"_s,
                                 u"stageRemove:0"_s, u"addStage"_s,     u"workers"_s,
                                 u"saveSweep"_s,     u"closeBuilder"_s, u"start"_s};
        QStringList found;
        for (QWidget* widget = shown.builder.nextInFocusChain(); widget != &shown.builder;
             widget = widget->nextInFocusChain()) {
            if (names.contains(widget->objectName()) && widget->isVisible())
                found << widget->objectName();
        }
        QCOMPARE(found, names);
    }

    /// Whatever a file holds, the form gives the same trials back.
    void nothingIsLost_data()
    {
        QTest::addColumn<QByteArray>("rest"); // of the file
        QTest::addRow("grid with everything") << QByteArray(
            "pipelines:\n  - []\n  - [rtn: {bits: [2, 3], include: [['*.mlp.*'], ['*.self_attn.*', 're:q{1,2}']]}]\n"
            "objectives: [kl_divergence, bits_per_parameter]\nseed: [3, 4]\n");
        QTest::addRow("grid in another order")
            << QByteArray("pipelines:\n  - [rtn: {group_size: [64, 32], bits: [3, 2, 4]}]\n");
        QTest::addRow("grid with conditions")
            << QByteArray("pipelines:\n  - rtn: {bits: {from: 2, to: 4}, clip: {values: [none, mse], when: {bits: {to: "
                          "3}}}}\n");
        QTest::addRow("random") << QByteArray("pipelines:\n  - [rtn: {group_size: [32, 64], bits: {from: 2, to: 8}}]\n"
                                              "  - [gptq: {damping: {from: 0.001, to: 0.1, log: true}, bits: [2, 3]}]\n"
                                              "driver: {random: {trials: 9}}\nseed: [1, 2]\n");
        QTest::addRow("sobol") << QByteArray("pipelines:\n  - [gptq: {damping: {from: 0.01, to: 0.1}, bits: [4, 2, 3], "
                                             "group_size: {values: [32, 64], when: {bits: 2}}}]\n"
                                             "driver: {sobol: {trials: 8}}\n");
        QTest::addRow("nsga2") << QByteArray(
            "pipelines:\n  - []\n  - [rtn: {bits: [2, 3, 4], include: ['*.mlp.*']}, "
            "gptq: {bits: [2, 3], exclude: ['*.mlp.*'], damping: {from: 0.01, to: 0.1, "
            "when: {rtn.bits: [2, 3]}}}]\n"
            "driver: {nsga2: {population: 6, generations: 3, mutation_index: 7.5, "
            "constraints: ['bits_per_parameter <= 4.5', 'kl_divergence <= 1']}}\n"
            "objectives: [perplexity, stored_bytes]\n");
        QTest::addRow("successive halving")
            << QByteArray("pipelines:\n  - [gptq: {bits: [2, 3, 4], group_size: [32, 64]}]\n"
                          "driver: {successive_halving: {trials: 6, factor: 2, min_windows: 1}}\n");
    }
    void nothingIsLost()
    {
        QFETCH(QByteArray, rest);
        const QByteArray text =
            "paretoscope: 1\nname: kept\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
            "  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, samples: 4, length: 64, select: random, "
            "seed: 5}\n"
            "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 64, windows: 8, stride: "
            "32}\n"
            "    - kl_divergence: {corpus: demo/corpora/wiki.test.tokens, length: 64, windows: 4}\n" +
            rest;
        const auto sweep = core::parseSweep(text.toStdString(), PARETOSCOPE_RESOURCES "/kept.yaml", *plugins());
        QVERIFY2(sweep.ok(), sweep.ok() ? "" : sweep.error().sentence().c_str());
        const SweepDraft draft = draftOf(sweep.value(), *plugins());
        const CheckedDraft checked = checkDraft(draft, *plugins());
        QVERIFY2(checked.sweep, checked.problem ? checked.problem->error.sentence().c_str() : "");
        QCOMPARE(core::writeSweep(*checked.sweep), core::writeSweep(sweep.value()));
        QVERIFY(draftOf(*checked.sweep, *plugins()) == draft);
        QCOMPARE(checked.sweep->pipelines.size(), sweep.value().pipelines.size());
        for (std::size_t i = 0; i < checked.sweep->pipelines.size(); ++i)
            QCOMPARE(checked.sweep->pipelines[i].label(), sweep.value().pipelines[i].label());
    }

    void otherMetricsAreKept()
    {
        auto sweep = core::readSweep(toPath(kDemo), *plugins()).value();
        core::Json divergence = sweep.workload.evaluate.front().options;
        divergence["windows"] = 8;
        sweep.workload.evaluate.push_back({"kl_divergence", divergence});
        const CheckedDraft checked = checkDraft(draftOf(sweep, *plugins()), *plugins());
        QVERIFY(checked.sweep);
        QCOMPARE(checked.sweep->workload.evaluate.size(), std::size_t(2));
        QCOMPARE(checked.sweep->workload.evaluate[1].name, std::string("kl_divergence"));
        QVERIFY(checked.sweep->workload.evaluate[1].options == divergence);
    }

    void demoBecomesThreeEntriesAndTwelveTrials()
    {
        const SweepDraft draft = demoDraft();
        QCOMPARE(draft.pipelines.size(), 3);
        QVERIFY(draft.pipelines[0].stages.isEmpty());
        QCOMPARE(draft.pipelines[1].stages[0].values[u"bits"_s], u"2, 3, 4, 8"_s);
        QCOMPARE(draft.pipelines[1].stages[0].values[u"group_size"_s], u"32, 64"_s);
        const CheckedDraft checked = checkDraft(draft, *plugins());
        QVERIFY(checked.sweep);
        QCOMPARE(int(checked.sweep->pipelines.size()), 12);
    }

    void whatIsWrittenReadsBackAsTheSameTrials()
    {
        const CheckedDraft checked = checkDraft(demoDraft(), *plugins());
        QVERIFY(checked.sweep);
        const auto again = core::parseSweep(core::writeSweep(*checked.sweep), "/x/y.yaml", *plugins());
        QVERIFY(again.ok());
        QCOMPARE(again.value().pipelines.size(), checked.sweep->pipelines.size());
        for (std::size_t i = 0; i < again.value().pipelines.size(); ++i)
            QCOMPARE(again.value().pipelines[i].label(), checked.sweep->pipelines[i].label());
    }

    void problemsHaveAPlace_data()
    {
        QTest::addColumn<QString>("what");
        QTest::addColumn<int>("place");
        QTest::addColumn<int>("pipeline");
        QTest::addColumn<QString>("said");
        using Place = DraftProblem::Place;
        QTest::addRow("no model") << u"no model"_s << int(Place::Workload) << -1 << u"No model"_s;
        QTest::addRow("model gone") << u"model gone"_s << int(Place::Workload) << -1 << u"/no/such/model"_s;
        QTest::addRow("bits 5.5") << u"bits"_s << int(Place::Pipeline) << 2 << u"bits"_s;
        QTest::addRow("unknown plugin") << u"plugin"_s << int(Place::Pipeline) << 1 << u"nonsense"_s;
        QTest::addRow("option of the driver") << u"trials"_s << int(Place::Driver) << -1 << u"driver.random.trials"_s;
        QTest::addRow("objective") << u"objective"_s << int(Place::Driver) << -1 << u"perplexty"_s;
        QTest::addRow("seed") << u"seed"_s << int(Place::Driver) << -1 << u"seed"_s;
        QTest::addRow("range on a grid") << u"range"_s << int(Place::Pipeline) << 2 << u"range"_s;
        QTest::addRow("no pipelines") << u"none"_s << int(Place::Elsewhere) << -1 << u"pipelines"_s;
    }
    void problemsHaveAPlace()
    {
        QFETCH(QString, what);
        QFETCH(int, place);
        QFETCH(int, pipeline);
        QFETCH(QString, said);
        SweepDraft draft = demoDraft();
        if (what == "no model"_L1)
            draft.model.clear();
        else if (what == "model gone"_L1)
            draft.model = u"/no/such/model"_s;
        else if (what == "bits"_L1)
            draft.pipelines[2].stages[0].values[u"bits"_s] = u"5.5"_s;
        else if (what == "plugin"_L1)
            draft.pipelines[1].stages[0].plugin = u"quantization/nonsense"_s;
        else if (what == "trials"_L1)
            draft.driver = {{"random", {{"trials", "many"}}}};
        else if (what == "objective"_L1)
            draft.objectives = QStringList {u"perplexty"_s};
        else if (what == "seed"_L1)
            draft.seeds = u"one"_s;
        else if (what == "range"_L1)
            draft.pipelines[2].stages[0].values[u"damping"_s] = u"{from: 0.01, to: 0.1}"_s;
        else
            draft.pipelines.clear();
        const CheckedDraft checked = checkDraft(draft, *plugins());
        QVERIFY(!checked.sweep);
        QVERIFY(checked.problem);
        QCOMPARE(int(checked.problem->place), place);
        QCOMPARE(checked.problem->pipeline, pipeline);
        const QString message = toQString(checked.problem->error.message);
        QVERIFY2(message.contains(said), qPrintable(message));
        QVERIFY2(!message.contains(u"sweep.yaml"_s), qPrintable(message));
        QVERIFY(!checked.problem->error.hint.empty());
    }

    void demoStartsWithTwoClicks()
    {
        Shown shown;
        auto* start = shown.child<QPushButton>(u"start"_s);
        QVERIFY(!start->isEnabled());
        QVERIFY(shown.child<QLabel>(u"preview"_s)->text().contains(u"No model"_s));
        QSignalSpy requested(&shown.builder, &SweepBuilder::startRequested);
        QTest::mouseClick(shown.child<QPushButton>(u"demo"_s), Qt::LeftButton);
        QVERIFY(shown.child<QLabel>(u"preview"_s)->text().startsWith(u"12 trial(s): baseline, rtn(bits=2"_s));
        QVERIFY(start->isEnabled());
        QTest::mouseClick(start, Qt::LeftButton);
        QCOMPARE(requested.count(), 1);
        const auto order = requested[0][0].value<SweepOrder>();
        QCOMPARE(int(order.sweep.pipelines.size()), 12);
        QVERIFY(order.project.endsWith(u"tiny-llama-demo.pscope"_s));
        QVERIFY(!shown.builder.isVisible());
    }

    void pipelinesAreComposedFromManifests()
    {
        Shown shown;
        shown.builder.setModel(kModel);
        shown.builder.editor().edit(u"corpora"_s, {}, [](SweepDraft& draft) {
            draft.evaluationCorpus = QStringLiteral(PARETOSCOPE_RESOURCES "/demo/corpora/wiki.test.tokens");
            draft.calibrationCorpus = QStringLiteral(PARETOSCOPE_RESOURCES "/demo/corpora/train_excerpt.raw.txt");
        });
        auto* add = shown.child<QToolButton>(u"addPipeline"_s);
        Q_EMIT add->menu()->aboutToShow();
        QAction* entry = nullptr;
        for (QAction* action : add->menu()->actions()) {
            if (action->objectName() == "plugin:quantization/gptq"_L1)
                entry = action;
        }
        QVERIFY(entry);
        entry->trigger();
        auto* bits = shown.child<QLineEdit>(u"parameter:bits"_s);
        QVERIFY(bits);
        QTRY_VERIFY(bits->isVisible());
        QCOMPARE(bits->placeholderText(), u"4"_s);
        QVERIFY(!shown.child<QWidget>(u"parameter:damping"_s)->isVisible());
        bits->setFocus();
        QTest::keyClicks(bits, u"2,3"_s);
        QCOMPARE(int(shown.builder.check().sweep->pipelines.size()), 3);
        QVERIFY(shown.child<QWidget>(u"reset:bits"_s)->isVisible());
        QCOMPARE(shown.child<QListWidget>(u"pipelineList"_s)->item(1)->text(), u"gptq(bits=2,3)"_s);

        QTest::keyClicks(bits, u",55"_s); // wrong while typing: said where it stands, and Start is off
        QVERIFY(!shown.builder.check().sweep);
        QVERIFY(!shown.child<QPushButton>(u"start"_s)->isEnabled());
        QVERIFY(shown.child<QLabel>(u"pipelineProblem"_s)->isVisible());
        QTest::mouseClick(shown.child<QToolButton>(u"reset:bits"_s), Qt::LeftButton);
        QVERIFY(shown.builder.check().sweep);
        QVERIFY(bits->text().isEmpty());

        QTest::mouseClick(shown.child<QToolButton>(u"moreParameters"_s), Qt::LeftButton);
        QVERIFY(shown.child<QWidget>(u"parameter:damping"_s)->isVisible());
        QVERIFY(shown.child<QWidget>(u"parameter:damping"_s)->toolTip().contains(u"Hessian"_s));
        QTest::mouseClick(shown.child<QToolButton>(u"removePipeline"_s), Qt::LeftButton);
        QCOMPARE(int(shown.builder.check().sweep->pipelines.size()), 1);
    }

    void driversAreChosenAndTheirOptionsTyped()
    {
        Shown shown;
        shown.builder.loadDemo();
        auto* driver = shown.child<QComboBox>(u"driver"_s);
        QCOMPARE(driver->currentData().toString(), u"grid"_s);
        QVERIFY(!shown.child<QLineEdit>(u"driver:trials"_s));
        driver->setFocus();
        QTest::keyClick(driver, Qt::Key_Down); // random
        QCOMPARE(driver->currentData().toString(), u"random"_s);
        auto* trials = shown.child<QLineEdit>(u"driver:trials"_s);
        QVERIFY(trials);
        QTRY_VERIFY(trials->isVisible());
        QCOMPARE(trials->text(), u"32"_s);
        trials->setFocus();
        trials->selectAll();
        QTest::keyClicks(trials, u"5"_s);
        QCOMPARE(int(shown.builder.check().sweep->pipelines.size()), 6); // the baseline is not chosen
        QTest::keyClicks(trials, u"x"_s);
        QVERIFY(!shown.builder.check().sweep);
        QVERIFY(shown.child<QLabel>(u"driverProblem"_s)->isVisible());
        QVERIFY(!shown.child<QPushButton>(u"start"_s)->isEnabled());
        shown.builder.editor().undoStack().undo(); // all letters at once
        QCOMPARE(trials->text(), u"32"_s);
        QVERIFY(shown.builder.check().sweep);
        shown.builder.editor().undoStack().undo();
        QCOMPARE(driver->currentData().toString(), u"grid"_s);
        QCOMPARE(int(shown.builder.check().sweep->pipelines.size()), 12);
    }

    void anAdaptiveSweepIsShownAndStarted()
    {
        QTemporaryDir folder;
        QFile file(folder.filePath(u"search.yaml"_s));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("paretoscope: 1\nname: search\nworkload:\n  model: " PARETOSCOPE_RESOURCES "/models/tiny-llama\n"
                   "  calibration: {corpus: " PARETOSCOPE_RESOURCES
                   "/demo/corpora/train_excerpt.raw.txt, samples: 4, length: 64}\n"
                   "  evaluate: {perplexity: {corpus: " PARETOSCOPE_RESOURCES
                   "/demo/corpora/wiki.test.tokens, length: 64, windows: 8}}\n"
                   "pipelines:\n  - []\n  - [gptq: {bits: [2, 3, 4], damping: {from: 0.001, to: 0.1, log: true}}]\n"
                   "driver: {nsga2: {population: 4, generations: 3, constraints: ['bits_per_parameter <= 9']}}\n");
        file.close();
        Shown shown;
        shown.builder.loadFile(file.fileName());
        QCOMPARE(shown.child<QComboBox>(u"driver"_s)->currentData().toString(), u"nsga2"_s);
        QCOMPARE(shown.child<QLineEdit>(u"driver:population"_s)->text(), u"4"_s);
        QCOMPARE(shown.child<QLineEdit>(u"driver:constraints"_s)->text(), u"bits_per_parameter <= 9"_s);
        QVERIFY2(shown.child<QLabel>(u"preview"_s)->text().startsWith(u"5 trial(s) first, others by their results: "_s),
                 qPrintable(shown.child<QLabel>(u"preview"_s)->text()));
        shown.child<QListWidget>(u"pipelineList"_s)->setCurrentRow(1);
        auto* damping = shown.child<QLineEdit>(u"parameter:damping"_s);
        QCOMPARE(damping->text(), u"{from: 0.001, to: 0.1, log: true}"_s);
        damping->setFocus();
        damping->selectAll();
        QTest::keyClicks(damping, u"{from: 0.01, to: 0.02}"_s);
        auto* constraints = shown.child<QLineEdit>(u"driver:constraints"_s);
        constraints->setFocus();
        constraints->end(false);
        QTest::keyClicks(constraints, u", perplexity <= 500"_s);
        QSignalSpy requested(&shown.builder, &SweepBuilder::startRequested);
        QTest::mouseClick(shown.child<QPushButton>(u"start"_s), Qt::LeftButton);
        QCOMPARE(requested.count(), 1);
        const auto order = requested[0][0].value<SweepOrder>();
        QCOMPARE(core::constraintsOf(order.sweep.driver).size(), std::size_t(2));
        QCOMPARE(order.sweep.entries.at(1).choices.at(1).values.to, 0.02);
        QVERIFY(order.sweep.isAdaptive());
    }

    void editsAreUndone()
    {
        Shown shown;
        shown.builder.loadDemo();
        auto* name = shown.child<QLineEdit>(u"sweepName"_s);
        name->setFocus();
        name->selectAll();
        QTest::keyClicks(name, u"mine"_s);
        QCOMPARE(shown.builder.editor().undoStack().count(), 1); // one step for all letters
        QTest::mouseClick(shown.child<QToolButton>(u"removePipeline"_s), Qt::LeftButton);
        QCOMPARE(shown.builder.editor().draft().pipelines.size(), 2);
        shown.builder.editor().undoStack().undo();
        QCOMPARE(shown.builder.editor().draft().pipelines.size(), 3);
        shown.builder.editor().undoStack().undo();
        QCOMPARE(name->text(), u"tiny-llama demo"_s);
        shown.builder.editor().undoStack().redo();
        QCOMPARE(name->text(), u"mine"_s);
    }

    void aBrokenFileIsExplainedInPlace()
    {
        QTemporaryDir folder;
        QFile file(folder.filePath(u"bad.yaml"_s));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("paretoscope: 1\nworkload: {model: nowhere}\npipelines:\n  - []\n");
        file.close();
        Shown shown;
        shown.builder.loadFile(file.fileName());
        QVERIFY(shown.child<QLabel>(u"preview"_s)->text().contains(u"bad.yaml"_s));
        QVERIFY(!shown.child<QPushButton>(u"start"_s)->isEnabled());
    }

    void modelsAreDescribed()
    {
        Shown shown;
        shown.builder.setModel(kModel);
        auto* summary = shown.child<QLabel>(u"modelSummary"_s);
        QTRY_VERIFY2(summary->text().contains(u"llama"_s), qPrintable(summary->text()));
        QVERIFY(summary->text().contains(u"MB"_s));
        shown.builder.setModel(u"/no/such/model"_s);
        QTRY_VERIFY(summary->text().contains(u"/no/such/model"_s));
    }

    void modelsAreDropped()
    {
        PathField field(PathField::Kind::Model, u"Model"_s);
        field.show();
        QSignalSpy edited(&field, &PathField::pathEdited);
        const auto drop = [&](const QString& path) {
            QMimeData data;
            data.setUrls({QUrl::fromLocalFile(path)});
            QDragEnterEvent enter(QPoint(3, 3), Qt::CopyAction, &data, Qt::LeftButton, {});
            QApplication::sendEvent(&field, &enter);
            QDropEvent event(QPointF(3, 3), Qt::CopyAction, &data, Qt::LeftButton, {});
            QApplication::sendEvent(&field, &event);
            return enter.isAccepted();
        };
        QVERIFY(drop(kModel));
        QCOMPARE(edited.count(), 1);
        QCOMPARE(field.path(), kModel);
        QVERIFY(!drop(kDemo));
        QCOMPARE(edited.count(), 1);
    }
};

QTEST_MAIN(TstSweepBuilder)
#include "tst_sweep_builder.moc"
