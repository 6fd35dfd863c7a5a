// SPDX-License-Identifier: GPL-3.0-or-later
// What the roofline chart draws beside the predictions: roofs of caches, the measured knee, counters of a profiler.
#include "roofline/measured/machine_files.h"
#include "tests/gui/roofline_fixture.h"
#include "views/roofline/own_devices.h"
#include "views/roofline/roofline_chart.h"
#include "views/roofline/roofline_view.h"
#include "views/roofline/sweep_panel.h"
#include "views/theme/theme.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

/// Kernels of three ranges: of "q_proj" at three levels, of "elsewhere" at two, of "copy" without a FLOP.
const char* const kCounters =
    "\"ID\",\"Kernel Name\",\"thread Domain:Push/Pop_Range:PL_Type\",\"gpu__time_duration.sum\","
    "\"dram__bytes.sum\",\"lts__t_bytes.sum\",\"l1tex__t_bytes.sum\","
    "\"sm__sass_thread_inst_executed_op_ffma_pred_on.sum\"\n"
    "\"\",\"\",\"\",\"us\",\"Mbyte\",\"Mbyte\",\"Mbyte\",\"inst\"\n"
    "\"0\",\"gemm\",\"q_proj\",\"10\",\"20\",\"40\",\"80\",\"20000000\"\n"
    "\"1\",\"gemm\",\"elsewhere\",\"40\",\"10\",\"20\",\"\",\"20000000\"\n"
    "\"2\",\"memcpy\",\"copy\",\"5\",\"10\",\"10\",\"10\",\"0\"\n";

/// Dock with a model and a device of the user's: 1 TB/s of main memory, 4 of L2, 16 of L1, 200 TFLOP/s.
struct Shown
{
    SelectionModel selection;
    RooflineView view;

    explicit Shown(const test::ConfigFolders& folders)
        : view(selection, PARETOSCOPE_RESOURCES, ownFile(folders))
    {
        view.resize(1280, 900);
        view.openModel(folders.config(u"Llama-2-7b"_s));
        session().setDevice(u"My card"_s);
        view.show();
        if (!QTest::qWaitForWindowExposed(&view))
            qFatal("the view did not show");
    }

    static std::filesystem::path ownFile(const test::ConfigFolders& folders)
    {
        const auto file = views::toPath(folders.path(u"chart/hardware.csv"_s));
        roofline::HardwareSpec device;
        device.name = "My card";
        device.kind = "gpu";
        device.bandwidthBytesPerSecond = 1e12;
        device.l2BandwidthBytesPerSecond = 4e12;
        device.l1BandwidthBytesPerSecond = 16e12;
        device.peak(roofline::NumberType::Bf16) = 200e12;
        device.peak(roofline::NumberType::Fp32) = 50e12;
        const bool isKept =
            saveOwnDevice(file, device).ok() &&
            roofline::keepMachineProfile(test::calibratedMachine(), file.parent_path() / "machines").ok();
        if (!isKept)
            qFatal("cannot write %s", file.c_str());
        return file;
    }

    RooflineSession& session() { return view.session(); }
    RooflineChart& chart() { return *view.findChild<RooflineChart*>(u"rooflineChart"_s); }
    const ChartScene& scene() { return chart().scene(); }
    QAction* command(const QString& id)
    {
        for (QAction* action : view.actions()) {
            if (action->objectName() == id)
                return action;
        }
        return nullptr;
    }
    void tab(int times)
    {
        for (int i = 0; i < times; ++i)
            QTest::keyClick(&chart(), Qt::Key_Tab);
    }
};

} // namespace

class TstRooflineChart : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QGuiApplication::setPalette(lightPalette());
        QVERIFY(writeTextFile(counters(), QString::fromLatin1(kCounters)).ok());
    }

    void cachesHaveTheirRoofs_data()
    {
        QTest::addColumn<QString>("device");
        QTest::addColumn<QStringList>("levels");
        QTest::addColumn<double>("bandwidth"); ///< of the first
        QTest::addColumn<double>("peak");
        QTest::addRow("of a card") << u"My card"_s << QStringList {u"L2"_s, u"L1"_s} << 4e12 << 200e12;
        QTest::addRow("of a measured machine")
            << u"planted"_s << QStringList {u"last cache"_s, u"core caches"_s} << 80e9 << 100e9;
        QTest::addRow("not stated") << u"NVIDIA A100 SXM 80GB"_s << QStringList {} << 0.0 << 0.0;
    }
    void cachesHaveTheirRoofs()
    {
        QFETCH(QString, device);
        QFETCH(QStringList, levels);
        QFETCH(double, bandwidth);
        QFETCH(double, peak);
        Shown shown(m_folders);
        shown.session().setDevice(device);
        const auto drawn = [&] {
            std::vector<Roof> roofs;
            for (const Roof& roof : shown.scene().roofs) {
                if (!roof.level.empty())
                    roofs.push_back(roof);
            }
            return roofs;
        };
        QStringList found;
        for (const Roof& roof : drawn())
            found << toQString(roof.level);
        QCOMPARE(found, levels);
        if (!levels.isEmpty()) {
            QCOMPARE(drawn().front().bandwidth, bandwidth);
            QCOMPARE(drawn().front().peak, peak);
        }
        shown.command(u"roofline.levels"_s)->trigger();
        QVERIFY(drawn().empty());
        const QJsonObject state = shown.view.saveState();
        shown.command(u"roofline.levels"_s)->trigger();
        QCOMPARE(qsizetype(drawn().size()), levels.size());
        shown.view.restoreState(state);
        QVERIFY(drawn().empty());
    }

    void measuredKneeIsMarked()
    {
        Shown shown(m_folders);
        QVERIFY(!shown.scene().knee && shown.scene().intensities.empty());
        shown.session().setDevice(u"planted"_s);
        QCOMPARE(shown.scene().intensities.size(), std::size_t(3));
        QVERIFY(shown.scene().knee);
        QCOMPARE(shown.scene().knee->x(), 5.0); // 90 GFLOP/s at 18 GB/s
        QCOMPARE(shown.scene().knee->y(), 90e9);
        QVERIFY(shown.scene().frame.shows(*shown.scene().knee));
        QVERIFY(shown.chart().accessibleDescription().contains(u"knee lies at 5 FLOP/B"_s));
        QVERIFY(chartCsv(shown.session()).contains(u"measured knee,planted,5,"_s));
    }

    void intensityCurvesHaveRidgeAndKnee_data()
    {
        QTest::addColumn<QString>("device");
        QTest::addColumn<int>("over");
        QTest::addColumn<QStringList>("lines");
        QTest::addRow("ridge") << u"My card"_s << int(SweepAxis::Batch)
                               << QStringList {u" ridge of bf16: 200 FLOP/B"_s};
        QTest::addRow("knee") << u"planted"_s << int(SweepAxis::Batch)
                              << QStringList {u" ridge of fp32: 5 FLOP/B"_s, u" measured knee: 5 FLOP/B"_s};
        QTest::addRow("not where the bandwidth moves") << u"My card"_s << int(SweepAxis::Bandwidth) << QStringList {};
    }
    void intensityCurvesHaveRidgeAndKnee()
    {
        QFETCH(QString, device);
        QFETCH(int, over);
        QFETCH(QStringList, lines);
        Shown shown(m_folders);
        shown.session().setDevice(device);
        shown.view.showPage(RooflineView::Page::Sweep);
        const auto pick = [&](const QString& box, const QVariant& data) {
            auto* combo = shown.view.findChild<QComboBox*>(box);
            combo->setCurrentIndex(combo->findData(data));
            Q_EMIT combo->activated(combo->currentIndex());
        };
        pick(u"rooflineSweepX"_s, over);
        pick(u"rooflineSweepY"_s, u"intensity"_s);
        auto* panel = shown.view.findChild<SweepPanel*>(u"rooflineSweep"_s);
        QTRY_VERIFY(!panel->isComputing());
        QCOMPARE(panel->result().request.quantity, std::string("intensity"));
        QStringList drawn;
        for (int i = 0; i < panel->plot().itemCount(); ++i) {
            if (const auto* text = qobject_cast<QCPItemText*>(panel->plot().item(i)))
                drawn << text->text();
        }
        QCOMPARE(drawn, lines);
    }

    void countedRangesAreDrawn()
    {
        Shown shown(m_folders);
        QVERIFY(!shown.command(u"roofline.close-counters"_s)->isEnabled());
        QMimeData mime;
        mime.setUrls({QUrl::fromLocalFile(counters())});
        QDragEnterEvent enter({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, {});
        QApplication::sendEvent(&shown.view, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop({100, 100}, Qt::CopyAction, &mime, Qt::LeftButton, {});
        QApplication::sendEvent(&shown.view, &drop);
        const std::vector<CountedMark>& marks = shown.scene().counted;
        QCOMPARE(marks.size(), std::size_t(2));  // a copy has no FLOPs
        QCOMPARE(marks[0].name, u"elsewhere"_s); // the longest first
        QCOMPARE(marks[1].place, QPointF(2, 4e12));
        QCOMPARE(marks[1].inner, (std::vector {QPointF(1, 4e12), QPointF(0.5, 4e12)}));
        QCOMPARE(shown.scene().drawnOperations(u"q_proj"_s).size(), std::size_t(1)); // that it is joined with
        QVERIFY(shown.scene().isDrawn(marks[1]));
        QVERIFY(chartCsv(shown.session()).contains(u"counted,q_proj,2,"_s));
        shown.command(u"roofline.close-counters"_s)->trigger();
        QVERIFY(shown.scene().counted.empty());
    }

    void countedRangesAreTold()
    {
        Shown shown(m_folders);
        shown.session().openCounters(counters());
        const CountedMark& mark = shown.scene().counted[1];
        const QString text = mark.lines.join('\n'_L1);
        for (const QString& part : {u"q_proj\n"_s, u"10 µs"_s, u"18 % of all"_s, u"Performance 4.000 TFLOP/s"_s,
                                    u"Intensity 2 FLOP/B, 20 MB of main memory"_s, u"Intensity 0.5000 FLOP/B"_s,
                                    u"Vector units 40 MFLOP, tensor units 0 FLOP"_s,
                                    // 4 of min(50, 1 · 2, 4 · 1, 16 · 0.5) TFLOP/s
                                    u"200 % of the lowest roof of My card"_s})
            QVERIFY2(text.contains(part), qPrintable(text + u"\nlacks "_s + part));
        QTest::mouseMove(&shown.chart(), shown.scene().frame.toPixel(mark.place).toPoint());
        QCOMPARE(shown.scene().hoveredCounted, std::optional(1));
        QVERIFY(!shown.session().hovered());
        shown.session().hover(0); // an operation of the table
        QVERIFY(!shown.scene().hoveredCounted);
    }

    void tabReachesWhatWasCounted()
    {
        Shown shown(m_folders);
        shown.session().openCounters(counters());
        shown.chart().setFocus();
        int operations = 0;
        for (int i = 0; i < int(shown.scene().places.size()); ++i)
            operations += shown.scene().isDrawn(i) ? 1 : 0;
        shown.tab(operations);
        QVERIFY(shown.session().hovered());
        shown.tab(1);
        QCOMPARE(shown.scene().hoveredCounted, std::optional(0));
        QVERIFY(shown.chart().accessibleDescription().startsWith(u"elsewhere "_s));
        shown.tab(1);
        QTest::keyClick(&shown.chart(), Qt::Key_Backtab);
        QCOMPARE(shown.scene().hoveredCounted, std::optional(0));
        QTest::keyClick(&shown.chart(), Qt::Key_Backtab);
        QVERIFY(shown.session().hovered() && !shown.scene().hoveredCounted);
        shown.tab(3);
        QVERIFY(!shown.chart().hasFocus()); // no trap
    }

    void damagedCountersSayWhy_data()
    {
        QTest::addColumn<QString>("content"); ///< empty: there is no such file
        QTest::addColumn<QString>("says");
        QTest::addRow("no file") << QString() << u"no.csv"_s;
        QTest::addRow("another table") << u"a,b\n1,2\n"_s << u"Kernel Name"_s;
    }
    void damagedCountersSayWhy()
    {
        QFETCH(QString, content);
        QFETCH(QString, says);
        Shown shown(m_folders);
        shown.session().openCounters(counters());
        QSignalSpy failed(&shown.view, &RooflineView::failed);
        const QString file = m_folders.path(content.isEmpty() ? u"no.csv"_s : u"other.csv"_s);
        QVERIFY(content.isEmpty() || writeTextFile(file, content).ok());
        shown.session().openCounters(file);
        QCOMPARE(failed.count(), 1);
        const std::string sentence = failed.first().first().value<core::Error>().sentence();
        QVERIFY2(toQString(sentence).contains(says), sentence.c_str());
        QCOMPARE(shown.scene().counted.size(), std::size_t(2)); // those that were there stay
    }

    void everythingIsExported()
    {
        Shown shown(m_folders);
        shown.session().setDevice(u"planted"_s);
        shown.session().openCounters(counters());
        shown.chart().setFocus();
        shown.tab(1); // a label, which is not of the picture
        const QString file = m_folders.path(u"chart.svg"_s);
        QVERIFY(shown.view.exportTo(file).ok());
        QFile written(file);
        QVERIFY(written.open(QIODevice::ReadOnly));
        const QString content = QString::fromUtf8(written.readAll());
        for (const QString& part : {u">knee 5 FLOP/B<"_s, u">last cache 80 GB/s<"_s, u">elsewhere<"_s, u">counted"_s})
            QVERIFY2(content.contains(part), qPrintable(part));
        QVERIFY(!content.contains(u"of the time, bound by"_s));
    }

    void titlesGiveWayInLowCharts()
    {
        Shown shown(m_folders);
        QCOMPARE(shown.chart().yAxis->label(), u"Performance (TFLOP/s)"_s);
        RooflineChart low(shown.session());
        low.resize(400, 140);
        low.show();
        QTRY_COMPARE(low.yAxis->label(), u"TFLOP/s"_s);
    }

    void nothingOverlapsInNarrowPages_data()
    {
        QTest::addColumn<int>("page");
        QTest::addColumn<QString>("name");
        QTest::addRow("curves") << int(RooflineView::Page::Sweep) << u"rooflineSweep"_s;
        QTest::addRow("comparison") << int(RooflineView::Page::Compare) << u"rooflineCompare"_s;
    }
    void nothingOverlapsInNarrowPages()
    {
        QFETCH(int, page);
        QFETCH(QString, name);
        Shown shown(m_folders);
        shown.session().setDevice(u"NVIDIA A100 SXM 80GB"_s); // too small for large batches, which a note says
        shown.session().pin();
        shown.view.showPage(RooflineView::Page(page));
        shown.view.resize(720, 300); // as small as it gets
        auto* panel = shown.view.findChild<QWidget*>(name);
        auto* note = shown.view.findChild<QLabel*>(u"rooflineSweepNote"_s);
        QTRY_VERIFY(page != int(RooflineView::Page::Sweep) || note->isVisible());
        QTRY_VERIFY(panel->height() >= panel->layout()->minimumHeightForWidth(panel->width()));
        QVERIFY(panel->parentWidget()->height() < panel->height()); // it scrolls
    }

private:
    QString counters() const { return m_folders.path(u"ncu.csv"_s); }

    test::ConfigFolders m_folders;
};

QTEST_MAIN(TstRooflineChart)
#include "tst_roofline_chart.moc"
