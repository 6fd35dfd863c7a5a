// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/project_fixture.h"
#include "tests/gui/roofline_fixture.h"
#include "tests/roofline/sample_trials.h"
#include "views/roofline/graph_view.h"
#include "views/roofline/operation_table_model.h"
#include "views/roofline/own_devices.h"
#include "views/roofline/roofline_chart.h"
#include "views/roofline/roofline_view.h"
#include "views/roofline/stacked_bars.h"
#include "views/roofline/sweep_panel.h"
#include "views/theme/theme.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

/// The dock with a model, shown and laid out.
struct Shown
{
    SelectionModel selection;
    RooflineView view;

    /// @param settings folder of the user's devices and machines
    Shown(const test::ConfigFolders& folders, const QString& model = u"Llama-2-7b"_s,
          const QString& settings = u"own"_s)
        : view(selection, PARETOSCOPE_RESOURCES, views::toPath(folders.path(settings + u"/hardware.csv"_s)))
    {
        view.resize(1280, 800);
        if (!model.isEmpty())
            view.openModel(folders.config(model));
        view.show();
        if (!QTest::qWaitForWindowExposed(&view))
            qFatal("the view did not show");
    }
    template <typename T>
    T* child(const QString& name)
    {
        return view.findChild<T*>(name);
    }
    RooflineSession& session() { return view.session(); }
    RooflineChart& chart() { return *child<RooflineChart>(u"rooflineChart"_s); }
    GraphCanvas& graph() { return *child<GraphCanvas>(u"rooflineGraph"_s); }
    double result(const char* quantity) { return session().analysis()->result(quantity)->value; }
    int indexOf(const char* name)
    {
        const auto& list = session().analysis()->operations;
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i].name == name)
                return int(i);
        }
        return -1;
    }
    void pick(const QString& box, const QVariant& data)
    {
        auto* combo = child<QComboBox>(box);
        combo->setCurrentIndex(combo->findData(data));
        Q_EMIT combo->activated(combo->currentIndex());
    }
    QAction* command(const QString& id)
    {
        for (QAction* action : view.actions()) {
            if (action->objectName() == id)
                return action;
        }
        return nullptr;
    }
};

} // namespace

class TstRooflineView : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QGuiApplication::setPalette(lightPalette()); }

    void emptyDockAsksForAModel()
    {
        Shown shown(m_folders, {});
        auto* title = shown.child<QLabel>(u"emptyTitle"_s);
        QVERIFY(title->isVisible());
        QMimeData mime;
        mime.setUrls({QUrl::fromLocalFile(m_folders.config(u"OPT-125m"_s))});
        QDragEnterEvent enter({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, {});
        QApplication::sendEvent(&shown.view, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, {});
        QApplication::sendEvent(&shown.view, &drop);
        QVERIFY(!title->isVisible());
        QCOMPARE(shown.child<QToolButton>(u"rooflineModel"_s)->text(), u"OPT-125m"_s);
    }

    void recentAndBundledModelsAreOffered()
    {
        Shown shown(m_folders);
        shown.view.openModel(m_folders.config(u"OPT-125m"_s));
        QMenu* menu = shown.child<QToolButton>(u"rooflineModel"_s)->menu();
        Q_EMIT menu->aboutToShow();
        QStringList texts;
        for (QAction* action : menu->actions())
            texts << action->text();
        QVERIFY(texts.indexOf(u"OPT-125m"_s) < texts.indexOf(u"Llama-2-7b"_s));
        QVERIFY(texts.contains(u"tiny-qwen3-moe"_s));
        for (QAction* action : menu->actions()) {
            if (action->text() == "tiny-qwen3-moe"_L1)
                action->trigger();
        }
        QCOMPARE(shown.child<QToolButton>(u"rooflineModel"_s)->text(), u"tiny-qwen3-moe"_s);
        QVERIFY(shown.indexOf("router") >= 0);
    }

    void modelsOfTheProjectAreOffered()
    {
        Shown shown(m_folders);
        core::WorkloadRecord workload = test::demoWorkload();
        workload.name = "small one";
        workload.modelPath = QFileInfo(m_folders.config(u"OPT-125m"_s)).path().toStdString();
        shown.view.setSnapshot(test::snapshotOf(test::demoTrials(), "demo.pscope", {workload}));
        QMenu* menu = shown.child<QToolButton>(u"rooflineModel"_s)->menu();
        Q_EMIT menu->aboutToShow();
        for (QAction* action : menu->actions()) {
            if (action->text() == "small one"_L1) {
                action->trigger();
                break;
            }
        }
        QCOMPARE(shown.child<QToolButton>(u"rooflineModel"_s)->text(), u"OPT-125m"_s);
    }

    void unreadableModelIsReported()
    {
        Shown shown(m_folders, {});
        QSignalSpy failed(&shown.view, &RooflineView::failed);
        shown.view.openModel(m_folders.write(u"odd"_s, R"({"model_type": "no_such_family"})"));
        QCOMPARE(failed.count(), 1);
        QVERIFY(shown.child<QLabel>(u"emptyTitle"_s)->isVisible());
    }

    void slidersRedrawAtOnce_data()
    {
        QTest::addColumn<QString>("control");
        QTest::addColumn<QByteArray>("quantity");
        QTest::addRow("batch") << u"batch"_s << QByteArray("tokens_per_second");
        QTest::addRow("prompt") << u"prompt"_s << QByteArray("time_to_first_token");
        QTest::addRow("answer") << u"generated"_s << QByteArray("total_time");
    }
    void slidersRedrawAtOnce()
    {
        QFETCH(QString, control);
        QFETCH(QByteArray, quantity);
        Shown shown(m_folders);
        auto* slider = shown.child<QSlider>(u"roofline:%1:slider"_s.arg(control));
        auto* box = shown.child<QSpinBox>(u"roofline:%1:box"_s.arg(control));
        const double before = shown.result(quantity.constData());
        const int value = box->value();
        slider->setFocus();
        QTest::keyClick(slider, Qt::Key_PageUp); // eight steps: twice as much
        QCOMPARE(box->value(), 2 * value);
        QVERIFY(shown.result(quantity.constData()) > before);
        QTest::keyClick(slider, Qt::Key_PageDown);
        QCOMPARE(box->value(), value);
        QCOMPARE(shown.result(quantity.constData()), before);
        box->setValue(value + 3);
        QVERIFY(shown.result(quantity.constData()) > before);
    }

    void choicesReachTheSetting()
    {
        Shown shown(m_folders);
        shown.pick(u"roofline:weights"_s, 4.0);
        QCOMPARE(shown.session().setting().weightBits, 4.0);
        shown.pick(u"roofline:weights"_s, u"nf4"_s);
        QCOMPARE(shown.session().setting().weightFormat, std::string("nf4"));
        shown.pick(u"roofline:activations"_s, 8.0);
        shown.pick(u"roofline:cache"_s, 4.0);
        shown.pick(u"roofline:parallel"_s, 2);
        shown.pick(u"roofline:efficiency"_s, int(RooflineEfficiency::Realistic));
        QTest::mouseClick(shown.child<QCheckBox>(u"rooflineFlash"_s), Qt::LeftButton, {}, QPoint(8, 8));
        const RooflineSetting& setting = shown.session().setting();
        QCOMPARE(setting.activationBits, 8.0);
        QCOMPARE(setting.kvBits, 4.0);
        QCOMPARE(setting.tensorParallel, 2);
        QCOMPARE(setting.efficiency, RooflineEfficiency::Realistic);
        QVERIFY(!setting.flash);
        QVERIFY(shown.indexOf("softmax") >= 0);
    }

    void stagesAndModesSwitch()
    {
        Shown shown(m_folders);
        QTest::mouseClick(shown.child<QRadioButton>(u"rooflineStage:1"_s), Qt::LeftButton);
        QCOMPARE(shown.session().setting().stage, RooflineStage::Prefill);
        QVERIFY(shown.session().analysis()->operations[std::size_t(shown.indexOf("q_proj"))].bound ==
                roofline::Bound::Compute);
        shown.pick(u"rooflineMode"_s, int(RooflineMode::Lv2409));
        QVERIFY(shown.indexOf("out_proj") >= 0);
        QVERIFY(!shown.session().analysis()->explanation);
        QTest::mouseClick(shown.child<QRadioButton>(u"rooflineStage:2"_s), Qt::LeftButton);
        QCOMPARE(shown.session().setting().stage, RooflineStage::Chat);
        QVERIFY(shown.session().analysis());
    }

    void refusedSettingSaysWhy()
    {
        Shown shown(m_folders);
        auto* note = shown.child<QLabel>(u"rooflineNote"_s);
        QVERIFY(!note->isVisible());
        shown.pick(u"roofline:parallel"_s, 64);
        QVERIFY(note->isVisible());
        QVERIFY2(note->text().contains(u"32 attention heads"_s), qPrintable(note->text()));
        QCOMPARE(shown.child<QTableView>(u"rooflineTable"_s)->model()->rowCount(), 0);
        shown.pick(u"roofline:parallel"_s, 1);
        QVERIFY(!note->isVisible());
        QVERIFY(shown.child<QTableView>(u"rooflineTable"_s)->model()->rowCount() > 10);
    }

    void devicesThatStateTooLittleAreGrey()
    {
        Shown shown(m_folders);
        auto* box = shown.child<QComboBox>(u"rooflineDevice"_s);
        const QModelIndex grey = box->model()->index(box->findData(u"nvidia_A100"_s), 0);
        QTRY_VERIFY(!grey.flags().testFlag(Qt::ItemIsEnabled));
        QVERIFY(grey.data(Qt::ToolTipRole).toString().contains(u"fp32"_s));
        shown.pick(u"rooflineDevice"_s, u"NVIDIA H100 SXM 80GB"_s);
        QCOMPARE(shown.session().device().spec.name, std::string("NVIDIA H100 SXM 80GB"));
    }

    void clickInTheChartReachesTableAndGraph()
    {
        Shown shown(m_folders);
        shown.chart().replot();
        const int index = shown.indexOf("down_proj");
        const QPoint at = shown.chart().scene().pixelOf(index).toPoint();
        QTest::mouseMove(&shown.chart(), at);
        QVERIFY(shown.session().hovered());
        // Operations of equal intensity lie on one place: the smallest on top is meant.
        const std::optional<int> top = shown.chart().scene().hit(at);
        QVERIFY(top);
        QTest::mouseClick(&shown.chart(), Qt::LeftButton, {}, at);
        QCOMPARE(shown.session().selected(), top);
        auto* table = shown.child<QTableView>(u"rooflineTable"_s);
        QCOMPARE(int(table->selectionModel()->selectedRows().size()), 1);
        QCOMPARE(table->currentIndex().siblingAtColumn(0).data().toString(),
                 toQString(shown.session().analysis()->operations[std::size_t(*top)].name));
        const QPoint empty = shown.chart().scene().frame.area.bottomRight().toPoint() - QPoint(30, 30);
        QVERIFY(!shown.chart().scene().hit(empty));
        QTest::mouseClick(&shown.chart(), Qt::LeftButton, {}, empty);
        QVERIFY(!shown.session().selected());
    }

    void rowInTheTableReachesTheDerivation()
    {
        Shown shown(m_folders);
        auto* table = shown.child<QTableView>(u"rooflineTable"_s);
        table->sortByColumn(1, Qt::DescendingOrder); // the largest share first
        table->selectRow(0);
        QVERIFY(shown.session().selected());
        const auto& operations = shown.session().analysis()->operations;
        const auto most = std::max_element(operations.begin(), operations.end(),
                                           [](const auto& a, const auto& b) { return a.share < b.share; });
        QCOMPARE(operations[std::size_t(*shown.session().selected())].share, most->share);
        const QString text = shown.child<QTextBrowser>(u"rooflineDerivation"_s)->toPlainText();
        for (const QString& part : {toQString(most->name), u"2·T·in·out"_s, u"MBU"_s, u"weights"_s})
            QVERIFY2(text.contains(part), qPrintable(text));
        const QString tip = table->model()->index(0, 2).data(Qt::ToolTipRole).toString();
        QVERIFY2(tip.contains(u"bytes/bandwidth"_s), qPrintable(tip));
    }

    void clickInTheGraphSelectsAndSearchFinds()
    {
        Shown shown(m_folders);
        shown.view.showPage(RooflineView::Page::Graph);
        QCoreApplication::processEvents();
        GraphCanvas& canvas = shown.graph();
        const int index = shown.indexOf("attn_norm");
        canvas.showNode(canvas.graph().nodeOf(index));
        QCOMPARE(shown.session().selected(), std::optional(index));
        shown.session().select(std::nullopt);
        QTest::mouseClick(canvas.viewport(), Qt::LeftButton, {}, canvas.pixelOf(canvas.graph().nodeOf(index)));
        QCOMPARE(shown.session().selected(), std::optional(index));
        canvas.setFocus();
        QTest::keyClick(&canvas, Qt::Key_Down);
        QCOMPARE(shown.session().selected(), std::optional(index + 1));
        auto* search = shown.child<QLineEdit>(u"rooflineGraphSearch"_s);
        QTest::keyClicks(search, u"down"_s);
        QCOMPARE(shown.session().selected(), std::optional(shown.indexOf("down_proj")));
    }

    void foldedSectionsUnfold()
    {
        Shown shown(m_folders, u"DeepSeek-V2-Lite"_s);
        shown.view.showPage(RooflineView::Page::Graph);
        QCoreApplication::processEvents();
        auto* sections = shown.child<QComboBox>(u"rooflineGraphSection"_s);
        QCOMPARE(sections->count(), 4);
        QCOMPARE(sections->currentIndex(), 1);
        sections->setCurrentIndex(2);
        Q_EMIT sections->activated(2);
        QCOMPARE(shown.graph().graph().expanded, 2);
        QVERIFY(shown.graph().graph().nodeOf(shown.indexOf("router")) >= 0);
        const int head = shown.graph().graph().nodeOf(shown.indexOf("lm_head"));
        shown.graph().centerOn(shown.graph().scene()->sceneRect().bottomLeft());
        shown.graph().showNode(head);
        QTest::mouseDClick(shown.graph().viewport(), Qt::LeftButton, {}, shown.graph().pixelOf(head));
        QCOMPARE(shown.graph().graph().expanded, 3);
    }

    void chartZoomsAndFits()
    {
        Shown shown(m_folders);
        const PlotFrame fitted = shown.chart().scene().frame;
        QVERIFY(shown.chart().isLogarithmic());
        for (int i = 0; i < int(shown.session().analysis()->operations.size()); ++i) {
            if (shown.session().analysis()->operations[std::size_t(i)].flops > 0)
                QVERIFY(shown.chart().scene().isDrawn(i));
        }
        shown.chart().setFocus();
        QTest::keyClick(&shown.chart(), Qt::Key_Plus);
        QVERIFY(shown.chart().scene().frame.x.upper < fitted.x.upper);
        QTest::keyClick(&shown.chart(), Qt::Key_0);
        QCOMPARE(shown.chart().scene().frame.x, fitted.x);
        shown.command(u"roofline.linear"_s)->trigger();
        QVERIFY(!shown.chart().isLogarithmic());
        QCOMPARE(shown.chart().scene().frame.x.lower, 0.0);
    }

    void tabVisitsTheOperationsByShare()
    {
        Shown shown(m_folders);
        shown.chart().setFocus();
        QTest::keyClick(&shown.chart(), Qt::Key_Tab);
        QVERIFY(shown.session().hovered());
        const auto& operations = shown.session().analysis()->operations;
        for (int i = 0; i < int(operations.size()); ++i) {
            if (shown.chart().scene().isDrawn(i))
                QVERIFY(operations[std::size_t(i)].share <= operations[std::size_t(*shown.session().hovered())].share);
        }
        QTest::keyClick(&shown.chart(), Qt::Key_Space);
        QCOMPARE(shown.session().selected(), shown.session().hovered());
        for (int i = 0; i < 60 && shown.chart().hasFocus(); ++i)
            QTest::keyClick(&shown.chart(), Qt::Key_Tab);
        QVERIFY(!shown.chart().hasFocus()); // no trap
    }

    void explanationNamesBoundAndChange()
    {
        Shown shown(m_folders);
        const QString text = shown.child<QLabel>(u"rooflineExplanation"_s)->text();
        QVERIFY2(text.contains(u"memory"_s), qPrintable(text));
        auto* changes = shown.child<QTreeWidget>(u"rooflineChanges"_s);
        QVERIFY(changes->topLevelItemCount() > 2);
        QVERIFY(changes->topLevelItem(0)->text(0).contains(u"4 bits"_s));
    }

    void barsSumUpAndSayWhatFits()
    {
        Shown shown(m_folders);
        auto* bars = shown.child<StackedBars>(u"rooflineBars"_s);
        QCOMPARE(int(bars->bars().size()), 3);
        QCOMPARE(bars->bars()[2].total(), shown.result("memory"));
        QCOMPARE(bars->bars()[2].capacity, 80e9);
        QVERIFY(std::abs(bars->bars()[0].total() / shown.result("time_to_first_token") - 1) < 1e-9);
        shown.view.showPage(RooflineView::Page::Bars);
        QVERIFY(bars->isVisible());
        shown.view.resize(900, 420); // too low for all of them: they scroll
        QTRY_VERIFY(bars->height() > bars->parentWidget()->height());
        QVERIFY(bars->accessibleDescription().contains(u"Weights"_s));
    }

    void curvesFollowTheirChoices()
    {
        Shown shown(m_folders);
        auto* panel = shown.child<SweepPanel>(u"rooflineSweep"_s);
        QVERIFY(panel->result().curves.empty()); // not computed while nobody looks
        shown.view.showPage(RooflineView::Page::Sweep);
        QTRY_COMPARE(int(panel->result().curves.size()), 4);
        shown.pick(u"rooflineSweepY"_s, u"memory"_s);
        shown.pick(u"rooflineSweepX"_s, int(SweepAxis::Prompt));
        shown.pick(u"rooflineSweepSeries"_s, int(SweepAxis::CacheBits));
        QTRY_VERIFY(!panel->isComputing());
        QCOMPARE(panel->result().unit, std::string("B"));
        QCOMPARE(panel->result().request.series, SweepAxis::CacheBits);               // of the newest choice
        QCOMPARE(panel->plot().itemCount(), 2);                                       // the capacity and its label
        QCOMPARE(panel->plot().graphCount(), 3 * int(panel->result().curves.size())); // line, filled and hollow points
        QVERIFY(panel->csv().contains(u"memory [B]"_s));
        const double before = panel->result().curves[0].points[0].y;
        shown.child<QSpinBox>(u"roofline:batch:box"_s)->setValue(16);
        QTRY_VERIFY(panel->result().curves[0].points[0].y > before);
    }

    void comparisonShowsRatios()
    {
        Shown shown(m_folders);
        shown.view.showPage(RooflineView::Page::Compare);
        auto* table = shown.child<QTableWidget>(u"rooflineCompareTable"_s);
        QCOMPARE(table->rowCount(), 0);
        QTest::mouseClick(shown.child<QPushButton>(u"rooflinePin"_s), Qt::LeftButton);
        shown.pick(u"rooflineDevice"_s, u"NVIDIA H100 SXM 80GB"_s);
        QVERIFY(table->rowCount() > 10);
        QCOMPARE(table->item(1, 0)->text(), u"Time per token"_s);
        const double ratio = table->item(1, 3)->data(Qt::UserRole).toDouble();
        QVERIFY(ratio > 0.5 && ratio < 0.7); // 2039 / 3350 GB/s
        QVERIFY(shown.child<QLabel>(u"rooflineCompareHeading"_s)->text().contains(u"H100"_s));
        QTest::mouseClick(shown.child<QPushButton>(u"rooflineUnpin"_s), Qt::LeftButton);
        QCOMPARE(table->rowCount(), 0);
    }

    void ownDevicesAreEdited()
    {
        Shown shown(m_folders);
        shown.view.showPage(RooflineView::Page::Devices);
        auto* name = shown.child<QLineEdit>(u"hardware:name"_s);
        auto* bandwidth = shown.child<QLineEdit>(u"hardware:bandwidth_GBps"_s);
        auto* state = shown.child<QLabel>(u"hardwareState"_s);
        auto* save = shown.child<QPushButton>(u"hardwareSave"_s);
        QCOMPARE(name->text(), u"NVIDIA A100 SXM 80GB"_s);
        QCOMPARE(bandwidth->text(), u"2039"_s);
        name->setText(u"My card"_s);
        bandwidth->setText(u"fast"_s);
        QTest::mouseClick(save, Qt::LeftButton);
        QVERIFY2(state->text().contains(u"bandwidth_GBps \"fast\""_s), qPrintable(state->text()));
        bandwidth->setText(u"4078"_s);
        QTest::mouseClick(save, Qt::LeftButton);
        shown.pick(u"rooflineDevice"_s, u"My card"_s);
        QCOMPARE(shown.session().device().spec.bandwidthBytesPerSecond, 4078e9);
        Shown again(m_folders); // it was written
        again.session().setDevice(u"My card"_s);
        QCOMPARE(again.session().device().spec.name, std::string("My card"));
        auto* list = shown.child<QListWidget>(u"hardwareList"_s);
        QVERIFY(list->currentItem()->text().contains(u"mine"_s));
        QTest::mouseClick(shown.child<QPushButton>(u"hardwareRemove"_s), Qt::LeftButton);
        QVERIFY(readOwnDevices(shown.session().ownDevicesFile()).value().empty());
        QCOMPARE(shown.session().device().spec.name, std::string("NVIDIA A100 SXM 80GB"));
    }

    void operationsAreCopied()
    {
        Shown shown(m_folders);
        shown.command(u"roofline.copy"_s)->trigger();
        const QStringList lines = QGuiApplication::clipboard()->text().trimmed().split('\n'_L1);
        QCOMPARE(int(lines.size()), int(shown.session().analysis()->operations.size()) + 1);
        QVERIFY(lines.first().startsWith(u"operation\tshare\ttime_s"_s));
        shown.command(u"roofline.copy-csv"_s)->trigger();
        QVERIFY(QGuiApplication::clipboard()->text().startsWith(u"operation,share"_s));
        shown.command(u"roofline.copy-json"_s)->trigger();
        const QJsonArray array = QJsonDocument::fromJson(QGuiApplication::clipboard()->text().toUtf8()).array();
        QCOMPARE(int(array.size()), int(lines.size()) - 1);
        const QJsonObject query = array[shown.indexOf("q_proj")].toObject();
        QCOMPARE(query[u"flops"_s].toDouble(), 2.0 * 4096 * 4096);
        QCOMPARE(query[u"bound"_s].toString(), u"memory"_s);
    }

    void exports_data()
    {
        QTest::addColumn<int>("page");
        QTest::addColumn<QString>("ending");
        QTest::addColumn<QByteArray>("magic");
        const auto add = [](const char* tag, RooflineView::Page page, const char* csv) {
            QTest::addRow("%s as svg", tag) << int(page) << u"svg"_s << QByteArray("<?xml");
            QTest::addRow("%s as png", tag) << int(page) << u"png"_s << QByteArray("\x89PNG");
            QTest::addRow("%s as pdf", tag) << int(page) << u"pdf"_s << QByteArray("%PDF");
            QTest::addRow("%s as csv", tag) << int(page) << u"csv"_s << QByteArray(csv);
        };
        add("chart", RooflineView::Page::Chart, "kind,name");
        add("graph", RooflineView::Page::Graph, "operation,share");
        add("bars", RooflineView::Page::Bars, "bar,part");
        add("curves", RooflineView::Page::Sweep, "Weight bits,Batch");
        add("comparison", RooflineView::Page::Compare, "Result,A,B");
    }
    void exports()
    {
        QFETCH(int, page);
        QFETCH(QString, ending);
        QFETCH(QByteArray, magic);
        Shown shown(m_folders);
        shown.view.showPage(RooflineView::Page(page));
        QTRY_VERIFY(page != int(RooflineView::Page::Sweep) ||
                    !shown.child<SweepPanel>(u"rooflineSweep"_s)->isComputing());
        const QString file = m_folders.path(u"page."_s + ending);
        const core::Status status = shown.view.exportTo(file);
        QVERIFY2(status.ok(), status.ok() ? "" : status.error().sentence().c_str());
        QFile written(file);
        QVERIFY(written.open(QIODevice::ReadOnly));
        const QByteArray content = written.readAll();
        QVERIFY2(content.startsWith(magic), content.left(40).constData());
        QVERIFY(content.size() > 100 || page == int(RooflineView::Page::Compare));
        if (ending == "svg"_L1 && page == int(RooflineView::Page::Chart))
            QVERIFY(content.contains("bf16"));
    }

    void exportIntoNowhereSaysWhere()
    {
        Shown shown(m_folders);
        const core::Status status = shown.view.exportTo(u"/no/such/folder/chart.svg"_s);
        QVERIFY(!status.ok());
        QVERIFY(QString::fromStdString(status.error().message).contains(u"/no/such/folder/chart.svg"_s));
    }

    void stateComesBack()
    {
        Shown shown(m_folders);
        shown.child<QSpinBox>(u"roofline:batch:box"_s)->setValue(7);
        shown.pick(u"roofline:weights"_s, u"nf4"_s);
        shown.pick(u"rooflineDevice"_s, u"NVIDIA H100 SXM 80GB"_s);
        shown.pick(u"roofline:pipeline"_s, 2);
        shown.command(u"roofline.follow"_s)->trigger();
        Shown other(m_folders);
        other.view.restoreState(shown.view.saveState());
        QCOMPARE(other.session().setting(), shown.session().setting());
        QCOMPARE(other.session().device().spec.name, std::string("NVIDIA H100 SXM 80GB"));
        QVERIFY(!other.command(u"roofline.follow"_s)->isChecked());
        other.view.restoreState({{u"mode"_s, 99}, {u"batch"_s, u"x"_s}, {u"device"_s, u"none"_s}, {u"kvBits"_s, -4}});
        QVERIFY(other.session().analysis());
    }

    void dockClosesWhileItComputes()
    {
        Shown shown(m_folders);
        shown.view.showPage(RooflineView::Page::Sweep);
        shown.pick(u"rooflineDevice"_s, u"NVIDIA H100 SXM 80GB"_s); // and is left before the curves are there
    }

    void controlsAreShownWhereTheyApply_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<int>("mode");
        QTest::addColumn<QStringList>("shown");
        QTest::addColumn<QStringList>("hidden");
        QTest::addRow("plain model") << u"Llama-2-7b"_s << int(RooflineMode::Accurate)
                                     << QStringList {u"pipeline"_s, u"draft"_s, u"efficiency"_s}
                                     << QStringList {u"experts"_s, u"microBatches"_s, u"drafted"_s, u"acceptance"_s};
        QTest::addRow("mixture") << u"Mixtral-8x7B"_s << int(RooflineMode::Accurate)
                                 << QStringList {u"pipeline"_s, u"experts"_s} << QStringList {u"microBatches"_s};
        QTest::addRow("LLM-Viewer") << u"Llama-2-7b"_s << int(RooflineMode::Lv2409)
                                    << QStringList {u"weights"_s, u"parallel"_s}
                                    << QStringList {u"pipeline"_s, u"experts"_s, u"draft"_s, u"efficiency"_s};
    }
    void controlsAreShownWhereTheyApply()
    {
        QFETCH(QString, model);
        QFETCH(int, mode);
        QFETCH(QStringList, shown);
        QFETCH(QStringList, hidden);
        Shown dock(m_folders, model);
        dock.pick(u"rooflineMode"_s, mode);
        for (const QString& name : shown)
            QVERIFY2(dock.child<QWidget>(u"roofline:"_s + name)->isVisible(), qPrintable(name));
        for (const QString& name : hidden)
            QVERIFY2(!dock.child<QWidget>(u"roofline:"_s + name)->isVisible(), qPrintable(name));
    }

    void pipelinesAndExpertsReachTheSetting()
    {
        Shown shown(m_folders, u"Mixtral-8x7B"_s);
        shown.pick(u"roofline:pipeline"_s, 4);
        QVERIFY(shown.child<QComboBox>(u"roofline:microBatches"_s)->isVisible());
        shown.pick(u"roofline:microBatches"_s, 8);
        shown.pick(u"roofline:experts"_s, 8);
        QCOMPARE(shown.session().setting().pipelineParallel, 4);
        QCOMPARE(shown.session().setting().microBatches, 8);
        QCOMPARE(shown.session().setting().expertParallel, 8);
        shown.pick(u"roofline:pipeline"_s, 1);
        QCOMPARE(shown.session().setting().microBatches, 1);
        shown.view.openModel(m_folders.config(u"Llama-2-7b"_s)); // has no experts
        QCOMPARE(shown.session().setting().expertParallel, 1);
        QVERIFY(shown.session().analysis());
    }

    void draftModelIsChosen()
    {
        Shown shown(m_folders);
        shown.view.openModel(m_folders.config(u"OPT-125m"_s));
        shown.view.openModel(m_folders.config(u"Llama-2-7b"_s));
        auto* draft = shown.child<QToolButton>(u"roofline:draft"_s);
        const auto choose = [&](const QString& text) {
            Q_EMIT draft->menu()->aboutToShow();
            for (QAction* action : draft->menu()->actions()) {
                if (action->text() == text)
                    return action->trigger();
            }
            QFAIL(qPrintable(text));
        };
        choose(u"OPT-125m"_s);
        QCOMPARE(draft->text(), u"OPT-125m"_s);
        auto* acceptance = shown.child<QSpinBox>(u"roofline:acceptance"_s);
        QVERIFY(acceptance->isVisible());
        const double before = shown.result("speculative_speedup");
        QVERIFY(before > 1);
        acceptance->setValue(95);
        QVERIFY(shown.result("speculative_speedup") > before);
        const double tokens = shown.result("speculative_tokens");
        shown.child<QSpinBox>(u"roofline:drafted"_s)->setValue(8);
        QVERIFY(shown.result("speculative_tokens") > tokens);
        auto* results = shown.child<QTableWidget>(u"rooflineResults"_s);
        QVERIFY(!results->findItems(u"Drafting: speed-up"_s, Qt::MatchExactly).isEmpty());
        choose(u"None"_s);
        QVERIFY(!acceptance->isVisible());
        QVERIFY(!shown.session().analysis()->result("speculative_speedup"));
    }

    void selectedTrialIsFollowedAndLeft()
    {
        Shown shown(m_folders);
        auto* bar = shown.child<QWidget>(u"rooflineTrialBar"_s);
        auto* model = shown.child<QToolButton>(u"rooflineModel"_s);
        shown.view.setSnapshot(storedSnapshot());
        QVERIFY(!bar->isVisible());
        shown.selection.select({test::idOf("rtn 3")});
        QVERIFY(bar->isVisible());
        const QString text = shown.child<QLabel>(u"rooflineTrial"_s)->text();
        QVERIFY2(text.contains(u"rtn 3"_s) && text.contains(u"as it is stored"_s), qPrintable(text));
        QCOMPARE(model->text(), u"small"_s);
        QVERIFY(!shown.child<QComboBox>(u"roofline:weights"_s)->isVisible()); // they are those of the trial
        const double three = shown.result("memory_weights");
        shown.selection.select({test::idOf("rtn 8")});
        QVERIFY(shown.result("memory_weights") > 1.3 * three);
        QTest::mouseClick(shown.child<QToolButton>(u"rooflineBack"_s), Qt::LeftButton);
        QVERIFY(!bar->isVisible());
        QCOMPARE(model->text(), u"Llama-2-7b"_s);
        QVERIFY(shown.child<QComboBox>(u"roofline:weights"_s)->isVisible());
        QVERIFY(!shown.command(u"roofline.follow"_s)->isChecked());
        shown.selection.select({test::idOf("rtn 3")});
        QCOMPARE(model->text(), u"Llama-2-7b"_s);
        shown.command(u"roofline.follow"_s)->trigger();
        QCOMPARE(shown.result("memory_weights"), three);
        shown.selection.clear();
        QCOMPARE(model->text(), u"Llama-2-7b"_s);
    }

    void openedModelTakesThePlaceOfTheTrial()
    {
        Shown shown(m_folders);
        shown.view.setSnapshot(storedSnapshot());
        shown.selection.select({test::idOf("rtn 3")});
        shown.view.openModel(m_folders.config(u"OPT-125m"_s));
        QVERIFY(!shown.session().trial());
        shown.view.setSnapshot(storedSnapshot()); // the project has grown
        QCOMPARE(shown.child<QToolButton>(u"rooflineModel"_s)->text(), u"OPT-125m"_s);
    }

    void trialFillsAnEmptyDock()
    {
        Shown shown(m_folders, {});
        shown.view.setSnapshot(storedSnapshot());
        shown.selection.select({test::idOf("rtn 3")});
        QVERIFY(!shown.child<QLabel>(u"emptyTitle"_s)->isVisible());
        QVERIFY(shown.session().analysis());
        QTest::mouseClick(shown.child<QToolButton>(u"rooflineBack"_s), Qt::LeftButton);
        QVERIFY(shown.child<QLabel>(u"emptyTitle"_s)->isVisible()); // no model was opened
    }

    void hiddenDockReadsNothing()
    {
        Shown shown(m_folders);
        shown.view.setSnapshot(storedSnapshot());
        shown.view.hide();
        shown.selection.select({test::idOf("rtn 3")});
        QVERIFY(!shown.session().trial());
        shown.view.show();
        QVERIFY(shown.session().trial());
    }

    void trialsThatTellTooLittleSayWhy()
    {
        Shown shown(m_folders);
        shown.view.setSnapshot(test::snapshotOf(test::demoTrials())); // without their tensors
        shown.selection.select({test::idOf("baseline")});
        auto* text = shown.child<QLabel>(u"rooflineTrial"_s);
        QVERIFY(text->isVisible());
        QVERIFY2(text->text().contains(u"is not shown: how the tensors of baseline are stored"_s),
                 qPrintable(text->text()));
        QCOMPARE(shown.child<QToolButton>(u"rooflineModel"_s)->text(), u"Llama-2-7b"_s);
    }

    void machinesAreImportedAndCalibrate()
    {
        Shown shown(m_folders, {}, u"imports"_s);
        shown.view.openModel(m_folders.write(u"planted"_s, roofline::test::plantedConfig().dump()));
        auto* modes = shown.child<QComboBox>(u"rooflineMode"_s);
        const QModelIndex calibrated = modes->model()->index(modes->findData(int(RooflineMode::Calibrated)), 0);
        QVERIFY(!calibrated.flags().testFlag(Qt::ItemIsEnabled));
        QVERIFY(calibrated.data(Qt::ToolTipRole).toString().contains(u"--measure"_s));
        const QString file = m_folders.path(u"profile.json"_s);
        QVERIFY(writeTextFile(file, toQString(test::calibratedMachine().json().dump())).ok());
        shown.view.showPage(RooflineView::Page::Devices);
        QTest::mouseClick(shown.child<QPushButton>(u"machineImport"_s), Qt::LeftButton);
        auto* dialog = shown.child<QFileDialog>(u"machineDialog"_s);
        QVERIFY(dialog);
        Q_EMIT dialog->fileSelected(file);
        dialog->reject();
        QVERIFY2(shown.child<QLabel>(u"hardwareState"_s)->text().contains(u"Imported as planted"_s),
                 qPrintable(shown.child<QLabel>(u"hardwareState"_s)->text()));
        QVERIFY(shown.child<QListWidget>(u"hardwareList"_s)->currentItem()->text().contains(u"measured"_s));
        shown.pick(u"rooflineDevice"_s, u"planted"_s);
        QVERIFY(calibrated.flags().testFlag(Qt::ItemIsEnabled));
        QTest::mouseClick(shown.child<QRadioButton>(u"rooflineStage:2"_s), Qt::LeftButton);
        shown.pick(u"rooflineMode"_s, int(RooflineMode::Calibrated));
        QCOMPARE(shown.session().setting().stage, RooflineStage::Decode); // there is no whole answer
        QVERIFY(!shown.child<QRadioButton>(u"rooflineStage:2"_s)->isEnabled());
        QVERIFY(!shown.child<QComboBox>(u"roofline:activations"_s)->isVisible());
        QVERIFY(shown.session().analysis());
        QVERIFY(shown.child<QLabel>(u"rooflineExplanation"_s)->text().contains(u"in the accurate mode"_s));
        QTRY_VERIFY(!shown.session().analysis()->measured.empty());
        QTest::mouseClick(shown.child<QPushButton>(u"hardwareRemove"_s), Qt::LeftButton);
        QVERIFY(!shown.session().analysis()); // the machine is gone, and with it the mode
        QVERIFY(shown.child<QLabel>(u"rooflineNote"_s)->text().contains(u"was not measured"_s));
    }

    void devicesReachTheProject()
    {
        Shown shown(m_folders, u"Llama-2-7b"_s, u"with project"_s);
        QSignalSpy saved(&shown.view, &RooflineView::deviceSaved);
        QSignalSpy removed(&shown.view, &RooflineView::deviceRemoved);
        shown.view.setSnapshot(test::snapshotOf({}));
        shown.view.showPage(RooflineView::Page::Devices);
        shown.child<QLineEdit>(u"hardware:name"_s)->setText(u"Shared card"_s);
        QTest::mouseClick(shown.child<QPushButton>(u"hardwareSave"_s), Qt::LeftButton);
        QCOMPARE(saved.count(), 1);
        const auto record = saved.first().first().value<core::DeviceRecord>();
        QCOMPARE(record.name, std::string("Shared card"));
        QCOMPARE(record.cells.at("bandwidth_GBps"), core::Json("2039"));
        QVERIFY(shown.child<QLabel>(u"hardwareState"_s)->text().contains(u"into the project"_s));

        Shown elsewhere(m_folders, u"Llama-2-7b"_s, u"elsewhere"_s);
        QSignalSpy removedThere(&elsewhere.view, &RooflineView::deviceRemoved);
        ProjectSnapshot records;
        records.devices = {record};
        elsewhere.view.setSnapshot(makeSnapshot(std::move(records)));
        elsewhere.pick(u"rooflineDevice"_s, u"Shared card"_s);
        QCOMPARE(elsewhere.session().device().origin, roofline::DeviceOrigin::Project);
        elsewhere.view.showPage(RooflineView::Page::Devices);
        auto* list = elsewhere.child<QListWidget>(u"hardwareList"_s);
        list->setCurrentItem(list->findItems(u"Shared card"_s, Qt::MatchExactly).first());
        QTest::mouseClick(elsewhere.child<QPushButton>(u"hardwareRemove"_s), Qt::LeftButton);
        QCOMPARE(removedThere.count(), 1);
        QCOMPARE(removedThere.first().first().toString(), u"Shared card"_s);
        QCOMPARE(removed.count(), 0);
    }

    void chatIsNotOfferedForImages()
    {
        Shown shown(m_folders, {});
        shown.view.openModel(
            m_folders.write(u"dit"_s, R"({"depth": 28, "num_heads": 16, "hidden_size": 1152, "mlp_ratio": 4.0})"));
        QVERIFY(!shown.child<QRadioButton>(u"rooflineStage:2"_s)->isEnabled());
        QVERIFY(shown.child<QRadioButton>(u"rooflineStage:1"_s)->isEnabled());
        QVERIFY(shown.session().analysis());
    }

private:
    /// Trials "rtn 3" and "rtn 8" of the model of roofline::test::plantedConfig(), called "small".
    static SnapshotPtr storedSnapshot()
    {
        using namespace roofline::test;
        std::vector<core::TrialRecord> trials;
        for (const int bits : {3, 8})
            trials.push_back(
                trialOf("rtn " + std::to_string(bits), "small", storedModelOf(plantedConfig(), roundedTo(bits, 64))));
        return views::test::snapshotOf(std::move(trials), "stored.pscope", {workloadOf("small", plantedConfig())});
    }

    test::ConfigFolders m_folders;
};

QTEST_MAIN(TstRooflineView)
#include "tst_roofline_view.moc"
