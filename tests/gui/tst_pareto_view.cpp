// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/mapped_file.h"
#include "tests/gui/project_fixture.h"
#include "tests/roofline/sample_trials.h"
#include "views/pareto/pareto_plot.h"
#include "views/pareto/pareto_view.h"
#include "views/pareto/plot_export.h"
#include "views/theme/theme.h"
#include "views/widgets/empty_state.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

const char* const kGptq3 = "gptq(bits=3,group_size=64)";
const char* const kRtn3 = "rtn(bits=3,group_size=64)";

/// A view on the demo project, shown and laid out.
struct Shown
{
    SelectionModel selection;
    ParetoView view {selection};

    explicit Shown(std::vector<core::TrialRecord> trials = test::demoTrials())
    {
        view.resize(760, 520);
        view.setSnapshot(test::snapshotOf(std::move(trials)));
        view.show();
        if (!QTest::qWaitForWindowExposed(&view))
            qFatal("the view did not show");
        view.plot().replot();
    }
    ParetoPlot& plot() { return view.plot(); }
    QPoint pixel(const char* label) { return plot().pixelOf(test::idOf(label)).toPoint(); }
    void click(const char* label, Qt::KeyboardModifiers modifiers = {})
    {
        QTest::mouseClick(&plot(), Qt::LeftButton, modifiers, pixel(label));
    }
    void wheel(QPointF position, int delta, Qt::KeyboardModifiers modifiers = {})
    {
        QWheelEvent event(position, plot().mapToGlobal(position), {}, {0, delta}, Qt::NoButton, modifiers,
                          Qt::NoScrollPhase, false);
        QApplication::sendEvent(&plot(), &event);
    }
    /// By data, or by text where items have none.
    void choose(const QString& combo, const QString& item)
    {
        auto* box = view.findChild<QComboBox*>(combo);
        const int byData = box->findData(item);
        box->setCurrentIndex(byData >= 0 ? byData : box->findText(item));
        Q_EMIT box->activated(box->currentIndex());
    }
    QList<QPointF> drag(QPoint from, QPoint to, Qt::MouseButton button = Qt::LeftButton,
                        Qt::KeyboardModifiers modifiers = {})
    {
        QTest::mousePress(&plot(), button, modifiers, from);
        QMouseEvent half(QEvent::MouseMove, QPointF(from + to) / 2, plot().mapToGlobal(QPointF(from + to) / 2),
                         Qt::NoButton, button, modifiers);
        QApplication::sendEvent(&plot(), &half);
        QMouseEvent whole(QEvent::MouseMove, QPointF(to), plot().mapToGlobal(QPointF(to)), Qt::NoButton, button,
                          modifiers);
        QApplication::sendEvent(&plot(), &whole);
        QTest::mouseRelease(&plot(), button, modifiers, to);
        return {};
    }
};

/// Three trials of a model of 7 billion parameters, two of which can be predicted.
struct Predicted : Shown
{
    Predicted()
        : Shown(std::vector<core::TrialRecord> {})
    {
        namespace sample = roofline::test;
        const core::Json models =
            core::Json::parse(core::readTextFile(PARETOSCOPE_TEST_DATA "/roofline/models.json").value());
        const core::Json config = models.at("Llama-2-7b").at("config");
        const auto trial = [&config](const char* label, const sample::StoredForm& form, double perplexity) {
            core::TrialRecord record = sample::trialOf(label, "llama", sample::storedModelOf(config, form));
            core::MetricRecord quality;
            quality.name = "perplexity";
            quality.value = perplexity;
            record.metrics.push_back(std::move(quality));
            return record;
        };
        std::vector<core::TrialRecord> trials {
            trial(
                "baseline",
                [](std::int64_t out, std::int64_t in) { return core::StoredTensor {.bits = {16 * out * in}}; }, 5.5),
            trial("rtn(bits=4)", sample::roundedTo(4, 64), 6), trial("gptq(bits=3)", sample::roundedTo(3, 64), 6.5)};
        trials.back().metrics.front().details = nullptr; // of a version that did not record how tensors are stored
        setDevices(bundledDevices());
        view.setSnapshot(test::snapshotOf(std::move(trials), "llama.pscope", {sample::workloadOf("llama", config)}));
    }
    static roofline::HardwareTable bundledDevices()
    {
        auto devices = roofline::HardwareTable::read(PARETOSCOPE_RESOURCES "/hardware.csv");
        if (!devices.ok())
            qFatal("no devices");
        return std::move(devices).value();
    }
    static roofline::HardwareSpec bundledDevice(const char* name) { return *bundledDevices().find(name).value(); }
    void setDevices(const roofline::HardwareTable& devices)
    {
        view.setWhatIfSource(
            std::make_shared<const WhatIfSource>(WhatIfSource {devices, PARETOSCOPE_RESOURCES "/architectures"}));
    }
    QComboBox* device() const { return view.findChild<QComboBox*>(u"paretoDevice"_s); }
    QString note() const { return view.findChild<QLabel*>(u"paretoNote"_s)->text(); }
};

} // namespace

class TstParetoView : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QGuiApplication::setPalette(lightPalette()); }

    void clickSelectsAndCtrlClickAdds()
    {
        Shown shown;
        shown.click(kGptq3);
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf(kGptq3)});
        shown.click(kRtn3, Qt::ControlModifier);
        QCOMPARE(int(shown.selection.selected().size()), 2);
        shown.click(kGptq3, Qt::ControlModifier);
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf(kRtn3)});
        QTest::mouseClick(&shown.plot(), Qt::LeftButton, {},
                          shown.plot().frame().area.topRight().toPoint() + QPoint(-80, 60));
        QVERIFY(shown.selection.selected().empty());
    }

    void hoverTellsPipelineAndNumbers()
    {
        Shown shown;
        QTest::mouseMove(&shown.plot(), shown.pixel(kGptq3));
        QCOMPARE(shown.selection.hovered(), std::optional(test::idOf(kGptq3)));
        const ParetoData& data = *shown.plot().data();
        const QString text = describePoint(data, *data.find(test::idOf(kGptq3))).join('\n'_L1);
        for (const QString& part : {u"gptq(bits=3,group_size=64)"_s, u"83.0 ± 1.7"_s, u"657 kB"_s, u"front"_s})
            QVERIFY2(text.contains(part), qPrintable(text));
        QTest::mouseMove(&shown.plot(), QPoint(2, 2));
        QVERIFY(!shown.selection.hovered());
    }

    void rubberBandSelectsWhatItHolds()
    {
        Shown shown;
        const QRectF area = shown.plot().frame().area;
        shown.drag(area.topLeft().toPoint() + QPoint(1, 1), area.bottomRight().toPoint() - QPoint(1, 1));
        QCOMPARE(int(shown.selection.selected().size()), 12);
        const QPoint centre = shown.pixel("baseline");
        shown.drag(centre - QPoint(9, 9), centre + QPoint(9, 9));
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf("baseline")});
        QVERIFY(shown.plot().isFitted()); // selecting is not zooming
    }

    void wheelZoomsAtTheCursor()
    {
        Shown shown;
        const QPointF position = shown.plot().frame().area.center() + QPointF(60, 40);
        const QPointF before = shown.plot().frame().toValue(position);
        const double width = shown.plot().frame().x.size();
        shown.wheel(position, 120);
        const QPointF after = shown.plot().frame().toValue(position);
        QVERIFY(shown.plot().frame().x.size() < width);
        QVERIFY(qAbs(after.x() - before.x()) < before.x() * 1e-9);
        QVERIFY(qAbs(after.y() - before.y()) < before.y() * 1e-9);
    }

    void wheelOverAnAxisZoomsOnlyThisAxis()
    {
        Shown shown;
        const PlotFrame before = shown.plot().frame();
        shown.wheel({before.area.center().x(), before.area.bottom() + 12}, 120);
        QVERIFY(shown.plot().frame().x.size() < before.x.size());
        QCOMPARE(shown.plot().frame().y, before.y);
    }

    void dragPansInPanModeAndDoubleClickFits()
    {
        Shown shown;
        const PlotFrame fitted = shown.plot().frame();
        const QPoint centre = fitted.area.center().toPoint();
        shown.drag(centre, centre + QPoint(80, 0), Qt::MiddleButton);
        QVERIFY(shown.plot().frame().x.lower < fitted.x.lower);
        QVERIFY(shown.selection.selected().empty());
        QTest::mouseDClick(&shown.plot(), Qt::LeftButton, {}, centre);
        QCOMPARE(shown.plot().frame().x, fitted.x);
        for (QAction* action : shown.view.actions()) {
            if (action->objectName() == "pareto.pan"_L1)
                action->trigger();
        }
        shown.drag(centre, centre + QPoint(0, 50));
        QVERIFY(shown.plot().frame().y.lower > fitted.y.lower);
        QCOMPARE(shown.plot().frame().x, fitted.x);
    }

    void keyboardMovesZoomsAndFits()
    {
        Shown shown;
        const PlotFrame fitted = shown.plot().frame();
        shown.plot().setFocus();
        QTest::keyClick(&shown.plot(), Qt::Key_Plus);
        QVERIFY(shown.plot().frame().x.size() < fitted.x.size());
        QTest::keyClick(&shown.plot(), Qt::Key_Minus);
        QTest::keyClick(&shown.plot(), Qt::Key_Right);
        QVERIFY(shown.plot().frame().x.lower > fitted.x.lower);
        QTest::keyClick(&shown.plot(), Qt::Key_Up);
        QVERIFY(shown.plot().frame().y.lower > fitted.y.lower);
        QTest::keyClick(&shown.plot(), Qt::Key_0);
        QCOMPARE(shown.plot().frame().x, fitted.x);
        QCOMPARE(shown.plot().frame().y, fitted.y);
    }

    void tabWalksTheFrontAndSpaceSelects()
    {
        Shown shown;
        shown.plot().setFocus();
        QStringList visited;
        for (int i = 0; i < 20; ++i) {
            QTest::keyClick(&shown.plot(), Qt::Key_Tab);
            if (!shown.selection.hovered())
                break; // past the last point the focus moves on
            const ParetoData& data = *shown.plot().data();
            visited << describePoint(data, *data.find(*shown.selection.hovered())).first();
            if (i == 1)
                QTest::keyClick(&shown.plot(), Qt::Key_Space);
        }
        QCOMPARE(int(visited.size()), 6);
        QCOMPARE(visited.first(), u"gptq(bits=2,group_size=64)"_s);
        QCOMPARE(visited.last(), u"baseline"_s);
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf(kGptq3)});
        QVERIFY(!shown.plot().hasFocus());
    }

    void newPointsFollowOnlyWhileFitted()
    {
        std::vector<core::TrialRecord> trials = test::demoTrials();
        Shown shown({trials.begin(), trials.begin() + 3});
        QVERIFY(shown.plot().isFitted());
        shown.view.setSnapshot(test::snapshotOf({trials.begin(), trials.begin() + 8}));
        for (int i = 0; i < 8; ++i)
            QVERIFY(shown.plot().frame().shows(shown.plot().data()->points[std::size_t(i)].value));
        shown.plot().zoom(0.5);
        const PlotFrame chosen = shown.plot().frame();
        trials.push_back(test::trialOf({"gptq(bits=1,group_size=64)", 4000, 300000}));
        shown.view.setSnapshot(test::snapshotOf(trials));
        QCOMPARE(shown.plot().frame().x, chosen.x);
        QCOMPARE(shown.plot().frame().y, chosen.y);
        QVERIFY(shown.plot().pointsOutside() > 0);
        auto* marker = shown.view.findChild<QToolButton*>(u"pointsOutside"_s);
        QVERIFY(marker->isVisible());
        QTest::mouseClick(marker, Qt::LeftButton);
        QCOMPARE(shown.plot().pointsOutside(), 0);
        QVERIFY(!marker->isVisible());
        QVERIFY(shown.plot().frame().shows({300000, 4000}));
    }

    void choosingMetricsKeepsTheSelection()
    {
        Shown shown;
        shown.click(kGptq3);
        auto* x = shown.view.findChild<QComboBox*>(u"paretoX"_s);
        x->setCurrentIndex(x->findData(u"bits_per_parameter"_s));
        Q_EMIT x->activated(x->currentIndex());
        QCOMPARE(shown.plot().data()->x.name, std::string("bits_per_parameter"));
        QVERIFY(shown.plot().xAxis->label().contains(u"Bits per parameter"_s));
        QCOMPARE(shown.selection.selected(), std::vector {test::idOf(kGptq3)});
        QVERIFY(shown.plot().frame().shows(shown.plot().data()->find(test::idOf(kGptq3))->value));
    }

    void axesSwitchBetweenLogAndLinear()
    {
        Shown shown;
        QVERIFY(shown.plot().isLogarithmic(Qt::Vertical));
        QVERIFY(!shown.plot().isLogarithmic(Qt::Horizontal));
        auto* log = shown.view.findChild<QToolButton*>(u"paretoXLog"_s);
        QTest::mouseClick(log, Qt::LeftButton);
        QVERIFY(shown.plot().isLogarithmic(Qt::Horizontal));
        QVERIFY(shown.plot().frame().x.lower > 0);
        QVERIFY(shown.plot().frame().shows(shown.plot().data()->points[0].value));
    }

    void protocolsAreChosenNotMixed()
    {
        std::vector<core::TrialRecord> trials = test::demoTrials();
        for (std::size_t i = 0; i < 4; ++i)
            trials[i].metrics[0].protocol = test::kOtherProtocol;
        Shown shown(trials);
        auto* protocol = shown.view.findChild<QComboBox*>(u"paretoYProtocol"_s);
        QVERIFY(protocol->isVisible());
        QCOMPARE(protocol->count(), 2);
        QCOMPARE(int(shown.plot().data()->points.size()), 4);
        auto* note = shown.view.findChild<QLabel*>(u"paretoNote"_s);
        QVERIFY(note->isVisible() && note->text().contains('8'_L1));
        protocol->setCurrentIndex(1);
        Q_EMIT protocol->activated(1);
        QCOMPARE(int(shown.plot().data()->points.size()), 8);
    }

    void legendHidesAndIsolates()
    {
        Shown shown;
        const auto chip = [&](const QString& method) {
            return shown.view.findChild<QAbstractButton*>(u"legend:"_s + method);
        };
        QTest::mouseClick(chip(u"rtn"_s), Qt::LeftButton);
        QTRY_COMPARE(int(shown.plot().data()->points.size()), 4);
        QVERIFY(!chip(u"rtn"_s)->isChecked());
        QTest::mouseClick(chip(u"rtn"_s), Qt::LeftButton);
        QTRY_COMPARE(int(shown.plot().data()->points.size()), 12);
    }

    void emptyStatesLeadOn()
    {
        SelectionModel selection;
        ParetoView view(selection);
        view.show();
        QVERIFY(view.emptyState().isVisible());
        view.setSnapshot(test::snapshotOf({}));
        QVERIFY(view.emptyState().isVisible());
        view.setSnapshot(test::snapshotOf(test::demoTrials()));
        QVERIFY(!view.emptyState().isVisible());
    }

    void exports_data()
    {
        QTest::addColumn<QString>("ending");
        QTest::addColumn<QByteArray>("magic");
        QTest::addRow("svg") << u"svg"_s << QByteArray("<?xml");
        QTest::addRow("png") << u"png"_s << QByteArray("\x89PNG");
        QTest::addRow("pdf") << u"pdf"_s << QByteArray("%PDF");
        QTest::addRow("csv") << u"csv"_s << QByteArray("pipeline,");
    }
    void exports()
    {
        QFETCH(QString, ending);
        QFETCH(QByteArray, magic);
        Shown shown;
        QTemporaryDir folder;
        const QString file = folder.filePath(u"plot."_s + ending);
        const core::Result<PlotFormat> format = plotFormatOf(file);
        QVERIFY(format.ok());
        const core::Status status = exportPlot(shown.plot(), file, format.value());
        QVERIFY(status.ok());
        QFile written(file);
        QVERIFY(written.open(QIODevice::ReadOnly));
        const QByteArray content = written.readAll();
        QVERIFY2(content.startsWith(magic), content.left(20).constData());
        if (ending == "svg"_L1)
            QVERIFY(content.contains("baseline") && content.contains("gptq"));
    }

    void exportIntoNowhereSaysWhere()
    {
        Shown shown;
        const core::Status status = exportPlot(shown.plot(), u"/no/such/folder/plot.svg"_s, PlotFormat::Svg);
        QVERIFY(!status.ok());
        QVERIFY(QString::fromStdString(status.error().message).contains(u"/no/such/folder/plot.svg"_s));
        QVERIFY(!plotFormatOf(u"plot.bmp"_s).ok());
    }

    void stateComesBack()
    {
        Shown shown;
        auto* x = shown.view.findChild<QComboBox*>(u"paretoX"_s);
        x->setCurrentIndex(x->findData(u"bits_per_parameter"_s));
        Q_EMIT x->activated(x->currentIndex());
        QTest::mouseClick(shown.view.findChild<QToolButton*>(u"paretoXLog"_s), Qt::LeftButton);
        const QJsonObject state = shown.view.saveState();
        Shown other;
        other.view.restoreState(state);
        QCOMPARE(other.plot().data()->x.name, std::string("bits_per_parameter"));
        QVERIFY(other.plot().isLogarithmic(Qt::Horizontal));
        other.view.restoreState({{u"x"_s, 3}, {u"hidden"_s, u"nonsense"_s}}); // a foreign state does no harm
        QCOMPARE(other.plot().data()->x.name, std::string("stored_bytes"));
    }

    void anotherDevicePredictsOtherValues()
    {
        Predicted shown;
        QVERIFY(!shown.device()->isVisible()); // no predicted axis yet
        shown.choose(u"paretoX"_s, u"predicted_tpot"_s);
        QVERIFY(shown.device()->isVisible());
        QTRY_COMPARE(int(shown.plot().data()->points.size()), 2);
        // Every operation of a decode step is bound by memory: the time is the ratio of bytes and bandwidth.
        const auto seconds = [&shown](const char* label) {
            return shown.plot().data()->find(test::idOf(label))->value.x();
        };
        const double a100 = seconds("baseline");
        QVERIFY(seconds("rtn(bits=4)") < 0.4 * a100);
        QCOMPARE(shown.plot().data()->xChoice.protocol,
                 std::string("NVIDIA A100 SXM 80GB/batch-1/prompt-1024/generate-128/ideal"));
        QVERIFY(axisTitle(shown.plot().data()->x, u"s"_s, Qt::Horizontal).contains(u"Predicted time per token"_s));

        shown.choose(u"paretoDevice"_s, u"NVIDIA H100 SXM 80GB"_s);
        QTRY_COMPARE(int(shown.plot().data()->points.size()), 2);
        QVERIFY(qAbs(seconds("baseline") - a100 * 2039 / 3350) < a100 * 1e-9);
        QVERIFY2(shown.note().contains(u"1 finished trial"_s) && shown.note().contains(u"gptq(bits=3)"_s),
                 qPrintable(shown.note()));

        shown.choose(u"paretoX"_s, u"stored_bytes"_s);
        QVERIFY(!shown.device()->isVisible());
        QCOMPARE(int(shown.plot().data()->points.size()), 3);
    }

    void predictionsNeedTheRatesOfTheDevice()
    {
        Predicted shown;
        shown.choose(u"paretoX"_s, u"predicted_ttft"_s);
        QTRY_COMPARE(int(shown.plot().data()->points.size()), 2);
        shown.choose(u"paretoDevice"_s, u"nvidia_A100"_s);
        QTRY_VERIFY2(shown.note().contains(u"states no fp32 rate"_s), qPrintable(shown.note()));
        QVERIFY(shown.plot().data()->points.empty());
    }

    void predictedAxesComeBackWithTheirDevice()
    {
        Predicted shown;
        shown.choose(u"paretoX"_s, u"predicted_memory"_s);
        shown.choose(u"paretoDevice"_s, u"NVIDIA L4"_s);
        const QJsonObject state = shown.view.saveState();
        Predicted other;
        other.view.restoreState(state);
        QTRY_COMPARE(int(other.plot().data()->points.size()), 2);
        QCOMPARE(other.plot().data()->x.name, std::string("predicted_memory"));
        QCOMPARE(other.device()->currentText(), u"NVIDIA L4"_s);
        other.view.setWhatIfSource(nullptr); // without devices the axes are measured ones
        QCOMPARE(other.plot().data()->x.name, std::string("stored_bytes"));
    }

    void chosenDeviceStaysWhileTheListChanges()
    {
        Predicted shown;
        shown.choose(u"paretoX"_s, u"predicted_tpot"_s);
        roofline::HardwareTable devices;
        for (const char* name : {"NVIDIA A100 SXM 80GB", "Their card"}) {
            roofline::HardwareSpec device = Predicted::bundledDevice("NVIDIA A100 SXM 80GB");
            device.name = name;
            devices.put(device);
        }
        shown.setDevices(devices);
        shown.choose(u"paretoDevice"_s, u"Their card"_s);
        const auto seconds = [&shown] {
            const auto* point = shown.plot().data()->find(test::idOf("baseline"));
            return point ? point->value.x() : 0;
        };
        QTRY_VERIFY(seconds() > 0);
        const double first = seconds();
        roofline::HardwareSpec slower = *devices.find("Their card").value();
        slower.bandwidthBytesPerSecond /= 2;
        devices.put(slower);
        shown.setDevices(devices); // other numbers under the same name
        QCOMPARE(shown.device()->currentText(), u"Their card"_s);
        QTRY_VERIFY(seconds() > 1.5 * first);
        shown.setDevices(Predicted::bundledDevices()); // that project was closed
        QCOMPARE(shown.device()->currentText(), u"NVIDIA A100 SXM 80GB"_s);
        shown.setDevices(devices); // and is opened again
        QCOMPARE(shown.device()->currentText(), u"Their card"_s);
    }

    void publishedPointsAreAskedForAndTold()
    {
        Shown shown;
        auto* published = shown.view.findChild<QToolButton*>(u"paretoPublished"_s);
        QVERIFY(!published->isVisible()); // the project holds none
        shown.view.setSnapshot(test::publishedSnapshot());
        QVERIFY(published->isVisible());
        Q_EMIT published->menu()->aboutToShow();
        QCOMPARE(published->menu()->findChildren<QMenu*>().size(), 1); // of one perplexity the size is known, too
        shown.choose(u"paretoY"_s, u"bits_per_parameter"_s);
        shown.choose(u"paretoX"_s, u"bits_per_parameter"_s);
        Q_EMIT published->menu()->aboutToShow();
        QVERIFY(!published->menu()->actions().first()->isEnabled()); // bits stand on no second axis
        shown.choose(u"paretoY"_s, u"perplexity"_s);
        QVERIFY(shown.plot().data()->published.empty());
        Q_EMIT published->menu()->aboutToShow();
        auto* model = published->menu()->findChild<QAction*>(u"wikitext2_ppl@2048|LLaMA-7B"_s);
        QVERIFY(model && !model->isChecked());
        QVERIFY(!published->menu()->findChild<QAction*>(u"zeroshot_avg_acc|LLaMA-7B"_s));
        model->trigger();
        QCOMPARE(int(shown.plot().data()->published.size()), 2);
        auto* note = shown.view.findChild<QLabel*>(u"paretoNote"_s);
        QVERIFY2(note->text().contains(u"other protocols than the trials: wikitext2_ppl@2048 beside Perplexity, bits "
                                       "beside Bits per parameter"_s),
                 qPrintable(note->text()));
        shown.plot().replot();
        QTest::mouseMove(&shown.plot(), shown.plot().scene().geometry.published[1].toPoint());
        QCOMPARE(shown.plot().scene().hoveredPublished, std::optional(1));
        QVERIFY(!shown.selection.hovered());
        QAccessibleInterface* chart = QAccessible::queryAccessibleInterface(&shown.plot());
        QCOMPARE(chart->childCount(), 12 + 2);
        QVERIFY(chart->child(13)->text(QAccessible::Name).contains(u"UNVERIFIED"_s));
        QVERIFY(!chart->child(13)->state().selectable);
        const QJsonObject state = shown.view.saveState();
        Q_EMIT published->menu()->aboutToShow();
        published->menu()->actions().first()->trigger(); // none
        QVERIFY(shown.plot().data()->published.empty());
        shown.view.restoreState(state);
        QCOMPARE(int(shown.plot().data()->published.size()), 2);
        auto* chip = shown.view.findChild<QAbstractButton*>(u"legend:wikitext2_ppl@2048|LLaMA-7B"_s);
        QVERIFY2(chip->text() == "LLaMA-7B: wikitext2_ppl@2048 against bits (2)"_L1, qPrintable(chip->text()));
        QTest::mouseClick(chip, Qt::LeftButton); // takes them off
        QTRY_VERIFY(shown.plot().data()->published.empty());
    }

    void tabReachesPublishedPoints()
    {
        Shown shown;
        shown.view.setSnapshot(test::publishedSnapshot());
        shown.choose(u"paretoX"_s, u"bits_per_parameter"_s);
        auto* published = shown.view.findChild<QToolButton*>(u"paretoPublished"_s);
        Q_EMIT published->menu()->aboutToShow();
        published->menu()->findChild<QAction*>(u"wikitext2_ppl@2048|LLaMA-7B"_s)->trigger();
        shown.plot().replot();
        shown.plot().setFocus();
        QTest::keyClick(&shown.plot(), Qt::Key_Tab);
        QVERIFY(shown.selection.hovered());
        const int front = int(shown.plot().data()->front.size());
        for (int i = 0; i < front; ++i)
            QTest::keyClick(&shown.plot(), Qt::Key_Tab);
        QVERIFY(!shown.selection.hovered());
        QCOMPARE(shown.plot().scene().hoveredPublished, std::optional(1)); // 3 bits, left of 4
        QTest::keyClick(&shown.plot(), Qt::Key_Tab);
        QCOMPARE(shown.plot().scene().hoveredPublished, std::optional(0));
        QTest::keyClick(&shown.plot(), Qt::Key_Tab);
        QVERIFY(!shown.plot().hasFocus()); // no trap
    }

    void publishedPointsAreAskedForAnewOnOtherAxes()
    {
        Shown shown;
        shown.view.setSnapshot(test::publishedSnapshot());
        shown.choose(u"paretoX"_s, u"bits_per_parameter"_s);
        auto* published = shown.view.findChild<QToolButton*>(u"paretoPublished"_s);
        const auto draw = [&](const QString& series) {
            Q_EMIT published->menu()->aboutToShow();
            published->menu()->findChild<QAction*>(series)->trigger();
        };
        draw(u"wikitext2_ppl@2048|LLaMA-7B"_s);
        QCOMPARE(int(shown.plot().data()->published.size()), 2);
        shown.choose(u"paretoX"_s, u"stored_bytes"_s);
        QVERIFY(shown.plot().data()->published.empty());
        draw(u"wikitext2_ppl@2048 against model_size_GB|LLaMA-7B"_s);
        QCOMPARE(int(shown.plot().data()->published.size()), 1);
        shown.choose(u"paretoX"_s, u"bits_per_parameter"_s); // what was asked for there is still asked for
        QCOMPARE(int(shown.plot().data()->published.size()), 2);
    }

    void assistiveTechnologyReadsThePoints()
    {
        Shown shown;
        QAccessibleInterface* chart = QAccessible::queryAccessibleInterface(&shown.plot());
        QVERIFY(chart);
        QCOMPARE(chart->role(), QAccessible::Chart);
        QCOMPARE(chart->childCount(), 12);
        QVERIFY(chart->child(0)->text(QAccessible::Name).contains(u"baseline"_s));
        QVERIFY(!chart->child(99));
        shown.click(kGptq3);
        QVERIFY(chart->child(10)->state().selected);
    }
};

QTEST_MAIN(TstParetoView)
#include "tst_pareto_view.moc"
