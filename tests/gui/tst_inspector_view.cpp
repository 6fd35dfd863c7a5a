// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/sweep/trial_exchange.h"
#include "tests/gui/project_fixture.h"
#include "views/inspector/inspector_view.h"
#include "views/widgets/empty_state.h"

#include <QAbstractItemModelTester>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {
const char* const kGptq3 = "gptq(bits=3,group_size=64)";
}

class TstInspectorView : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedKingdom)); }

    void showsTheTrialInFull()
    {
        InspectorModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        const core::TrialRecord trial = test::trialOf({kGptq3, 83.02, 657152});
        model.show(&trial, nullptr);
        const QString text = model.asText();
        for (const QString& part : {u"Pipeline: gptq(bits=3,group_size=64)"_s, u"Perplexity: 83.0 ± 1.7"_s,
                                    u"Protocol: perplexity.window/wiki.test.tokens"_s, u"Stored size: 657 kB"_s,
                                    u"Bytes: 657,152"_s, u"group_size: 64"_s, u"Measured on: cpu, float32, 1 thread"_s,
                                    u"device: cpu"_s, u"hessian: hit"_s, QString::fromStdString(trial.id.hex())})
            QVERIFY2(text.contains(part), qPrintable(part + u" in\n"_s + text));
        model.show(nullptr, nullptr);
        QCOMPARE(model.rowCount(), 0);
    }

    void parametersCarryUnitAndDefault()
    {
        core::PluginManifest manifest;
        manifest.id = "quantization/gptq";
        manifest.name = "GPTQ";
        core::ParameterSpec bits;
        bits.name = "bits";
        bits.unit = "bit";
        bits.defaultValue = 3;
        bits.doc = "Width of the code.";
        manifest.parameters = {bits};
        QTemporaryDir folder;
        QVERIFY(QDir(folder.path()).mkpath(u"quantization/gptq"_s));
        QFile file(folder.filePath(u"quantization/gptq/manifest.json"_s));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(R"({"id":"quantization/gptq","name":"GPTQ","version":"1.0.0","kind":"stage","summary":"Rounds.",
                       "parameters":[{"name":"bits","type":"integer","default":3,"minimum":2,"maximum":8,"unit":"bit",
                                      "doc":"Width of the code."}]})");
        file.close();
        const auto catalogue = core::PluginCatalogue::scan({folder.path().toStdString()});
        QCOMPARE(int(catalogue.all().size()), 1);
        InspectorModel model;
        const core::TrialRecord trial = test::trialOf({kGptq3, 83.02, 657152});
        model.show(&trial, &catalogue);
        QVERIFY2(model.asText().simplified().contains(u"group_size: 64 Defaults: 1 parameter(s) bits: 3 bit"_s),
                 qPrintable(model.asText()));
        QVERIFY(model.asText().contains(u"GPTQ: version 1"_s));
    }

    void failuresComeWithTheirRemedy()
    {
        InspectorModel model;
        const core::TrialRecord trial = test::trialOf({kGptq3, 0, 0, core::TrialStatus::Failed});
        model.show(&trial, nullptr);
        QVERIFY(model.asText().contains(u"What: layer 3 (model.layers.3.mlp.down_proj)"_s));
        QVERIFY(model.asText().contains(u"Remedy: more calibration tokens, or raise damping"_s));
    }

    void followsTheSelectionAndAsksForTheRest()
    {
        SelectionModel selection;
        InspectorView view(selection);
        view.resize(360, 500);
        view.setSnapshot(test::snapshotOf(test::demoTrials()));
        view.show();
        QVERIFY(view.emptyState().isVisible());
        QSignalSpy needed(&view, &InspectorView::trialNeeded);
        selection.select({test::idOf(kGptq3)});
        QVERIFY(!view.emptyState().isVisible());
        QCOMPARE(needed.count(), 1);
        QVERIFY(!view.model().asText().contains(u"hessian"_s)); // provenance is not in the snapshot
        view.showTrial(std::make_shared<core::TrialRecord>(test::trialOf({kGptq3, 83.02, 657152})));
        QVERIFY(view.model().asText().contains(u"hessian"_s));
        selection.select({test::idOf("baseline")});
        view.showTrial(std::make_shared<core::TrialRecord>(test::trialOf({kGptq3, 83.02, 657152}))); // too late
        QVERIFY(view.model().asText().contains(u"Pipeline: baseline"_s));
        selection.add({test::idOf(kGptq3)});
        QVERIFY(view.findChild<QLabel*>(u"inspectorNote"_s)->isVisible());
        selection.clear();
        QVERIFY(view.emptyState().isVisible());
    }

    void copiesLinesTextAndJson()
    {
        SelectionModel selection;
        InspectorView view(selection);
        view.resize(360, 500);
        view.setSnapshot(test::snapshotOf(test::demoTrials()));
        view.show();
        selection.select({test::idOf(kGptq3)});
        view.showTrial(std::make_shared<core::TrialRecord>(test::trialOf({kGptq3, 83.02, 657152})));
        QVERIFY(QTest::qWaitForWindowActive(&view));
        auto* tree = view.findChild<QTreeView*>(u"inspectorTree"_s);
        tree->setCurrentIndex(view.model().index(0, 0, view.model().index(0, 0)));
        tree->setFocus();
        QTest::keyClick(tree, Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(QGuiApplication::clipboard()->text(), u"Pipeline\tgptq(bits=3,group_size=64)"_s);
        for (QAction* action : view.actions()) {
            if (action->objectName() == "inspector.copy-json"_L1)
                action->trigger();
        }
        const auto json = core::Json::parse(QGuiApplication::clipboard()->text().toStdString());
        QCOMPARE(json["metrics"]["stored_bytes"][0]["value"].get<double>(), 657152.0);
        QCOMPARE(json["status"].get<std::string>(), std::string("done"));
    }

    void copiesTheSweepFileOfATrial()
    {
        SelectionModel selection;
        InspectorView view(selection);
        view.setSnapshot(test::snapshotOf(test::demoTrials()));
        selection.select({test::idOf(kGptq3)});
        auto* action = view.findChild<QAction*>(u"inspector.copy-sweep"_s);
        QVERIFY(action);
        core::TrialRecord trial = test::trialOf({kGptq3, 83.02, 657152});
        QSignalSpy failed(&view, &InspectorView::failed);
        view.showTrial(std::make_shared<core::TrialRecord>(trial)); // as an older version recorded it
        action->trigger();
        QCOMPARE(failed.count(), 1);
        core::WorkloadSpec workload;
        workload.kind = "causal-lm";
        workload.model = "/models/tiny-llama";
        trial.provenance["workload"] = core::toJson(workload);
        view.showTrial(std::make_shared<core::TrialRecord>(trial));
        action->trigger();
        QCOMPARE(failed.count(), 1);
        const QString text = QGuiApplication::clipboard()->text();
        QVERIFY2(text.contains(u"model: /models/tiny-llama"_s) && text.contains(u"quantization/gptq: {bits: 3"_s),
                 qPrintable(text));
    }
};

QTEST_MAIN(TstInspectorView)
#include "tst_inspector_view.moc"
