// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/main_window.h"
#include "app/window/command_palette.h"
#include "app/window/opened_file.h"
#include "app/window/start_options.h"
#include "app/window/theme_controller.h"
#include "core/project/project_store.h"
#include "tests/gui/project_fixture.h"
#include "views/format/text.h"
#include "views/jobs/jobs_view.h"
#include "views/pareto/pareto_plot.h"
#include "views/pareto/pareto_view.h"
#include "views/roofline/roofline_view.h"
#include "views/sweep_builder/sweep_builder.h"
#include "views/table/text_file.h"
#include "views/trials/trial_table_model.h"
#include "views/trials/trials_view.h"
#include "views/widgets/empty_state.h"
#include "views/widgets/message_bar.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;
using namespace Qt::Literals::StringLiterals;

namespace {

ThemeController* theme = nullptr; ///< one per application, as in the program

/// A window on a fresh settings file; `file` survives for a second window.
struct Shown
{
    WindowSettings settings;
    MainWindow window;

    explicit Shown(const QString& settingsFile)
        : settings(settingsFile)
        , window(settings, *theme)
    {
        window.resize(1280, 720);
        window.show();
        if (!QTest::qWaitForWindowExposed(&window))
            qFatal("the window did not show");
    }
    template <typename T>
    T* child(const QString& name = {})
    {
        return window.findChild<T*>(name);
    }
    void trigger(const char* id) { window.registry().find(QLatin1String(id))->trigger(); }
};

QStringList unnamed(QAccessibleInterface* object, QStringList path, QStringList& found)
{
    if (!object || !object->isValid() || object->state().invisible)
        return found;
    const QAccessible::Role role = object->role();
    static const QSet<QAccessible::Role> controls {
        QAccessible::Button,       QAccessible::ButtonMenu,  QAccessible::CheckBox, QAccessible::ComboBox,
        QAccessible::EditableText, QAccessible::SpinBox,     QAccessible::Table,    QAccessible::Tree,
        QAccessible::List,         QAccessible::ProgressBar, QAccessible::Chart,    QAccessible::MenuItem,
        QAccessible::PageTab};
    const QString name = object->text(QAccessible::Name);
    const auto* owner = object->object();
    path << (owner ? owner->objectName() + u"("_s + QLatin1String(owner->metaObject()->className()) + u")"_s : name);
    const bool isOwnPart = owner && (owner->objectName().startsWith(u"qt_"_s) || owner->inherits("QScrollBar"));
    if (controls.contains(role) && name.isEmpty() && !isOwnPart)
        found << path.join(u" > "_s);
    if (role == QAccessible::Table || role == QAccessible::Tree || role == QAccessible::List)
        return found; // cells are data
    for (int i = 0; i < object->childCount(); ++i)
        unnamed(object->child(i), path, found);
    return found;
}

} // namespace

class TstMainWindow : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QStandardPaths::setTestModeEnabled(true);
        qputenv("PARETOSCOPE_WORKER", PARETOSCOPE_FAKE_WORKER);
        qputenv("PARETOSCOPE_PLUGINS", PARETOSCOPE_RESOURCES "/../plugins"); // manifests, also without the engine
        theme = new ThemeController(this);
        theme->setTheme(views::Theme::Light);
        m_project = m_folder.filePath(u"demo.pscope"_s);
        auto store = core::ProjectStore::open(views::toPath(m_project), core::OpenMode::Create);
        QVERIFY(store.ok());
        QVERIFY(store.value().recordWorkload(views::test::demoWorkload()).ok());
        for (const core::TrialRecord& trial : views::test::demoTrials())
            QVERIFY(store.value().finishTrial(trial).ok());
    }
    void init() { m_settings = m_folder.filePath(u"window%1.ini"_s.arg(++m_count)); }

    void openedProjectFillsAllViews()
    {
        Shown shown(m_settings);
        QVERIFY(shown.child<views::ParetoView>()->emptyState().isVisible());
        shown.window.openFile(m_project);
        QTRY_COMPARE(shown.child<views::TrialsView>()->model().rowCount(), 12);
        QCOMPARE(int(shown.child<views::ParetoPlot>()->data()->points.size()), 12);
        QVERIFY(shown.window.windowTitle().contains(u"demo.pscope"_s));
        QVERIFY(shown.child<QLabel>(u"counts"_s)->text().contains(u"12 trial(s)"_s));
        shown.trigger("edit.select-front");
        QCOMPARE(int(shown.window.selection().selected().size()), 6);
        QVERIFY(shown.child<QLabel>(u"counts"_s)->text().contains(u"6 selected"_s));
        shown.trigger("file.close");
        QVERIFY(shown.child<views::ParetoView>()->emptyState().isVisible());
        QVERIFY(shown.window.selection().selected().empty());
        QVERIFY(!shown.window.registry().find(u"file.save-copy"_s)->isEnabled());
    }

    void clickInThePlotReachesTableAndInspector()
    {
        Shown shown(m_settings);
        shown.window.openFile(m_project);
        QTRY_COMPARE(shown.child<views::TrialsView>()->model().rowCount(), 12);
        auto* plot = shown.child<views::ParetoPlot>();
        plot->replot();
        const core::TrialId id = views::test::idOf("gptq(bits=3,group_size=64)");
        QTest::mouseClick(plot, Qt::LeftButton, {}, plot->pixelOf(id).toPoint());
        QCOMPARE(shown.window.selection().current(), std::optional(id));
        auto* table = shown.child<QTableView>(u"trialTable"_s);
        QCOMPARE(int(table->selectionModel()->selectedRows().size()), 1);
        auto* tree = shown.child<QTreeView>(u"inspectorTree"_s);
        QTRY_VERIFY(tree->model()->rowCount() >= 4); // provenance has arrived too
    }

    void configurationOpensInTheRooflineDock()
    {
        Shown shown(m_settings);
        auto* roofline = shown.child<views::RooflineView>();
        QVERIFY(roofline->visibleRegion().isEmpty()); // behind the Pareto dock
        shown.window.openFile(QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama/config.json"));
        QTRY_VERIFY(!roofline->visibleRegion().isEmpty());
        QVERIFY(roofline->session().analysis());
        QVERIFY2(shown.window.messages().text().isEmpty(), qPrintable(shown.window.messages().text()));
    }

    void devicesAreKeptInTheProject()
    {
        const QString file = m_folder.filePath(u"devices.pscope"_s);
        Shown shown(m_settings);
        shown.window.session().create(file);
        QTRY_VERIFY(shown.window.session().snapshot());
        Q_EMIT shown.child<views::RooflineView>()->deviceSaved(sharedCard());
        QTRY_COMPARE(shown.window.session().snapshot()->devices.size(), std::size_t(1));
        shown.window.openFile(m_project); // and brought along by it
        QTRY_COMPARE(shown.child<views::TrialsView>()->model().rowCount(), 12);
        QVERIFY(shown.window.session().snapshot()->devices.empty());
        shown.window.openFile(file);
        QTRY_VERIFY(shown.window.session().snapshot());
        const auto& devices = shown.child<views::RooflineView>()->session().devices();
        QCOMPARE(devices.back().spec.name, std::string("Shared card"));
        Q_EMIT shown.child<views::RooflineView>()->deviceRemoved(u"Shared card"_s);
        QTRY_VERIFY(shown.window.session().snapshot()->devices.empty());
        QVERIFY2(shown.window.messages().text().isEmpty(), qPrintable(shown.window.messages().text()));
    }

    void anotherProcessIsFollowed()
    {
        const QString file = m_folder.filePath(u"live.pscope"_s);
        auto store = core::ProjectStore::open(views::toPath(file), core::OpenMode::Create);
        QVERIFY(store.ok());
        Shown shown(m_settings);
        shown.window.openFile(file);
        QTRY_VERIFY(shown.window.session().snapshot());
        QVERIFY(store.value().finishTrial(views::test::demoTrials()[0]).ok());
        QTRY_COMPARE(shown.child<views::TrialsView>()->model().rowCount(), 1);
    }

    void badFilesAreExplainedInTheBar_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("said");
        QTest::addRow("missing") << u"/no/such.pscope"_s << u"/no/such.pscope does not exist"_s;
        QTest::addRow("folder without a model") << QDir::tempPath() << u"config.json"_s;
        QTest::addRow("something else") << QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama/README.md")
                                        << u"cannot be opened here"_s;
    }
    void badFilesAreExplainedInTheBar()
    {
        QFETCH(QString, path);
        QFETCH(QString, said);
        Shown shown(m_settings);
        shown.window.openFile(path);
        QVERIFY2(shown.window.messages().text().contains(said), qPrintable(shown.window.messages().text()));
        QVERIFY(shown.window.messages().isVisible());
        shown.window.messages().dismiss();
        QVERIFY(!shown.window.messages().isVisible());
    }

    void filesAreDropped()
    {
        Shown shown(m_settings);
        const auto drop = [&](const QList<QUrl>& urls) {
            QMimeData data;
            data.setUrls(urls);
            QDragEnterEvent enter(QPoint(9, 9), Qt::CopyAction, &data, Qt::LeftButton, {});
            QApplication::sendEvent(&shown.window, &enter);
            QDropEvent event(QPointF(9, 9), Qt::CopyAction, &data, Qt::LeftButton, {});
            QApplication::sendEvent(&shown.window, &event);
            return enter.isAccepted();
        };
        QVERIFY(drop({QUrl::fromLocalFile(m_project)}));
        QTRY_VERIFY(shown.window.session().snapshot());
        QVERIFY(!drop({QUrl::fromLocalFile(m_project), QUrl::fromLocalFile(m_project)}));
        QVERIFY(!drop({QUrl(u"https://example.org/x.pscope"_s)}));
        QVERIFY(!drop({QUrl::fromLocalFile(u"/no/such/thing"_s)}));
        QVERIFY(!drop({}));
        QVERIFY(drop({QUrl::fromLocalFile(QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama"))}));
        auto* builder = shown.child<views::SweepBuilder>();
        QVERIFY(builder && builder->isVisible());
        QVERIFY(builder->editor().draft().model.endsWith(u"tiny-llama"_s));
    }

    void recentFilesRememberAndForget()
    {
        {
            Shown shown(m_settings);
            shown.window.openFile(m_project);
            QTRY_VERIFY(shown.window.session().snapshot());
            shown.settings.addRecentFile(u"/gone/away.pscope"_s);
        }
        Shown again(m_settings);
        auto* menu = again.child<QMenu>(u"recentMenu"_s);
        Q_EMIT menu->aboutToShow();
        QList<QAction*> entries;
        for (QAction* action : menu->actions()) {
            if (action->objectName() == "recent"_L1)
                entries << action;
        }
        QCOMPARE(entries.size(), 2);
        QVERIFY(!entries[0]->isEnabled());
        QVERIFY(entries[1]->isEnabled());
        entries[1]->trigger();
        QTRY_VERIFY(again.window.session().snapshot());
        Q_EMIT menu->aboutToShow();
        for (QAction* action : menu->actions()) {
            if (action->objectName() == "clearRecent"_L1)
                action->trigger();
        }
        QVERIFY(again.settings.recentFiles().isEmpty());
    }

    void layoutSurvivesARestart()
    {
        QByteArray saved;
        {
            Shown shown(m_settings);
            shown.child<QDockWidget>(u"dock.inspector"_s)->setFloating(true);
            shown.child<QDockWidget>(u"dock.jobs"_s)->hide();
            shown.window.close();
        }
        {
            Shown again(m_settings);
            QVERIFY(again.child<QDockWidget>(u"dock.inspector"_s)->isFloating());
            QVERIFY(again.child<QDockWidget>(u"dock.jobs"_s)->isHidden());
            again.trigger("view.reset-layout");
            QVERIFY(!again.child<QDockWidget>(u"dock.inspector"_s)->isFloating());
            QVERIFY(!again.child<QDockWidget>(u"dock.jobs"_s)->isHidden());
        }
    }

    void brokenLayoutFallsBack_data()
    {
        QTest::addColumn<QByteArray>("layout");
        QTest::addRow("garbage") << QByteArray("garbage");
        QTest::addRow("cut off") << QByteArray("\x00\x00\x00\xff\x00\x00\x00\x00\xfd\x00\x00", 11);
    }
    void brokenLayoutFallsBack()
    {
        QFETCH(QByteArray, layout);
        {
            WindowSettings settings(m_settings);
            settings.setLayout("nonsense", layout);
            settings.setViewState(u"pareto"_s, {{u"x"_s, u"?"_s}});
            settings.sync();
        }
        Shown shown(m_settings);
        QVERIFY(shown.child<QDockWidget>(u"dock.pareto"_s)->isVisible());
        QVERIFY(shown.window.messages().text().contains(u"layout"_s));
    }

    void viewStateSurvivesARestart()
    {
        {
            Shown shown(m_settings);
            shown.window.openFile(m_project);
            QTRY_VERIFY(shown.window.session().snapshot());
            auto* x = shown.child<QComboBox>(u"paretoX"_s);
            x->setCurrentIndex(x->findData(u"bits_per_parameter"_s));
            Q_EMIT x->activated(x->currentIndex());
            shown.window.close();
        }
        Shown again(m_settings);
        again.window.openFile(m_project);
        QTRY_VERIFY(again.window.session().snapshot());
        QCOMPARE(again.child<views::ParetoPlot>()->data()->x.name, std::string("bits_per_parameter"));
    }

    void everyCommandIsInThePalette()
    {
        Shown shown(m_settings);
        QSet<QString> seen;
        for (QAction* action : shown.window.registry().actions()) {
            QVERIFY2(!action->text().isEmpty(), qPrintable(action->objectName()));
            QVERIFY2(!action->toolTip().isEmpty(), qPrintable(action->objectName()));
            QVERIFY2(!seen.contains(action->objectName()), qPrintable(action->objectName()));
            seen << action->objectName();
        }
        QVERIFY(seen.size() > 30);
        // Whatever stands in a menu is a registered command.
        for (QMenu* menu : shown.child<QMenuBar>()->findChildren<QMenu*>()) {
            for (QAction* action : menu->actions()) {
                if (!action->isSeparator() && !action->menu() && menu->objectName() != "recentMenu"_L1)
                    QVERIFY2(seen.contains(action->objectName()), qPrintable(action->text()));
            }
        }
    }

    void shortcutsAreUnique()
    {
        Shown shown(m_settings);
        QHash<QKeySequence, QString> owners;
        for (QAction* action : shown.window.registry().actions()) {
            if (action->shortcut().isEmpty() || action->shortcutContext() == Qt::WidgetWithChildrenShortcut)
                continue;
            QVERIFY2(!owners.contains(action->shortcut()),
                     qPrintable(action->objectName() + u" and "_s + owners[action->shortcut()]));
            owners[action->shortcut()] = action->objectName();
        }
        for (const QString& keys :
             {u"Ctrl+N"_s, u"Ctrl+O"_s, u"Ctrl+Shift+S"_s, u"Ctrl+W"_s, u"Ctrl+Q"_s, u"Ctrl+F"_s, u"F5"_s})
            QVERIFY2(owners.contains(QKeySequence(keys)), qPrintable(keys));
    }

    void paletteFindsAndRuns()
    {
        QVERIFY(fuzzyScore(u"nsw"_s, u"New sweep"_s) > fuzzyScore(u"nsw"_s, u"Run sweep now"_s));
        QVERIFY(fuzzyScore(u"xyz"_s, u"New sweep"_s) < 0);
        Shown shown(m_settings);
        shown.window.openFile(m_project);
        QTRY_VERIFY(shown.window.session().snapshot());
        shown.trigger("view.commands");
        auto* edit = shown.child<QLineEdit>(u"paletteEdit"_s);
        QVERIFY(edit && edit->isVisible());
        QTest::keyClicks(edit, u"select front"_s);
        auto* list = shown.child<QListWidget>(u"paletteList"_s);
        QCOMPARE(list->item(0)->text(), u"Select the front"_s);
        QCOMPARE(list->item(0)->data(Qt::UserRole + 1).toString(),
                 QKeySequence(u"Ctrl+Shift+F"_s).toString(QKeySequence::NativeText));
        QTest::keyClick(edit, Qt::Key_Return);
        QCOMPARE(int(shown.window.selection().selected().size()), 6);
    }

    void noControlIsUnnamed()
    {
        Shown shown(m_settings);
        shown.window.openFile(m_project);
        QTRY_VERIFY(shown.window.session().snapshot());
        shown.window.selection().select({views::test::idOf("baseline")});
        shown.trigger("file.demo");
        auto* builder = shown.child<views::SweepBuilder>();
        QTRY_VERIFY(builder->isVisible());
        QStringList found;
        for (QWidget* window : {static_cast<QWidget*>(&shown.window), static_cast<QWidget*>(builder)})
            unnamed(QAccessible::queryAccessibleInterface(window), {}, found);
        for (const QString& dock : {u"dock.jobs"_s, u"dock.trials"_s}) {
            shown.child<QDockWidget>(dock)->raise();
            QCoreApplication::processEvents();
            unnamed(QAccessible::queryAccessibleInterface(shown.child<QDockWidget>(dock)), {}, found);
        }
        shown.window.openFile(QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama/config.json"));
        auto* roofline = shown.child<views::RooflineView>();
        for (int page = 0; page <= int(views::RooflineView::Page::Devices); ++page) {
            roofline->showPage(views::RooflineView::Page(page));
            QCoreApplication::processEvents();
            unnamed(QAccessible::queryAccessibleInterface(roofline), {}, found);
        }
        QVERIFY2(found.isEmpty(), qPrintable(found.join('\n'_L1)));
    }

    void tabGoesWhereTheEyeGoes_data()
    {
        QTest::addColumn<QString>("dock");
        QTest::addColumn<QStringList>("names");
        QTest::addRow("Pareto") << u"dock.pareto"_s
                                << QStringList {u"paretoY"_s,         u"paretoX"_s,     u"paretoExport"_s,
                                                u"legend:baseline"_s, u"legend:gptq"_s, u"paretoPlot"_s};
        QTest::addRow("roofline") << u"dock.roofline"_s
                                  << QStringList {u"rooflineModel"_s, u"rooflineDevice"_s,     u"rooflineExport"_s,
                                                  u"rooflineBack"_s,  u"roofline:batch:box"_s, u"rooflineChart"_s,
                                                  u"rooflineTable"_s, u"rooflineChanges"_s};
        QTest::addRow("trials") << u"dock.trials"_s << QStringList {u"filter"_s, u"trialColumns"_s, u"trialTable"_s};
        QTest::addRow("jobs") << u"dock.jobs"_s << QStringList {u"jobsStop"_s, u"jobsContinue"_s};
    }
    void tabGoesWhereTheEyeGoes()
    {
        QFETCH(QString, dock);
        QFETCH(QStringList, names);
        Shown shown(m_settings);
        shown.window.openFile(m_project);
        QTRY_VERIFY(shown.window.session().snapshot());
        const auto* part = shown.child<QDockWidget>(dock);
        QStringList found;
        for (QWidget* widget = shown.window.nextInFocusChain(); widget != &shown.window;
             widget = widget->nextInFocusChain()) {
            if (part->isAncestorOf(widget) && names.contains(widget->objectName()))
                found << widget->objectName();
        }
        QCOMPARE(found, names);
    }

    void nothingIsClippedAt720p()
    {
        Shown shown(m_settings);
        shown.window.openFile(m_project);
        QTRY_VERIFY(shown.window.session().snapshot());
        QCOMPARE(shown.window.size(), QSize(1280, 720)); // the minimum size of no dock is larger
        for (const auto* button : shown.window.findChildren<QAbstractButton*>()) {
            if (!button->isVisible() || button->inherits("QLineEditIconButton") ||
                button->inherits("QDockWidgetTitleButton"))
                continue;
            QVERIFY2(button->width() >= button->minimumSizeHint().width() - 1,
                     qPrintable(button->objectName() + button->text() + u" "_s +
                                QLatin1String(button->metaObject()->className()) + u" in "_s +
                                button->parent()->objectName()));
        }
    }

    void themeSwitchesLive()
    {
        Shown shown(m_settings);
        shown.trigger("view.theme-dark");
        QTRY_VERIFY(views::isDark(shown.window.palette()));
        QTRY_VERIFY(views::isDark(shown.child<views::ParetoPlot>()->palette()));
        QCOMPARE(shown.settings.theme(), views::Theme::Dark);
        shown.trigger("view.theme-light");
        QTRY_VERIFY(!views::isDark(shown.window.palette()));
    }

    void copiesAreWholeProjects()
    {
        Shown shown(m_settings);
        shown.window.openFile(m_project);
        QTRY_VERIFY(shown.window.session().snapshot());
        const QString copy = m_folder.filePath(u"copy.pscope"_s);
        QSignalSpy copied(&shown.window.session(), &ProjectSession::copied);
        shown.window.session().saveCopy(copy);
        QTRY_COMPARE(copied.count(), 1);
        shown.window.openFile(copy);
        QTRY_VERIFY(shown.window.session().snapshot());
        QCOMPARE(int(shown.window.session().snapshot()->trials.size()), 12);
        shown.window.session().saveCopy(copy); // onto itself
        QTRY_VERIFY(!shown.window.messages().text().isEmpty());
    }

    void sweepRunsIntoThePlot()
    {
        Shown shown(m_settings);
        const QString file = m_folder.filePath(u"run.pscope"_s);
        shown.trigger("file.demo");
        auto* builder = shown.child<views::SweepBuilder>();
        QVERIFY(builder->check().sweep);
        builder->setProject(file);
        QTest::mouseClick(builder->findChild<QPushButton*>(u"start"_s), Qt::LeftButton);
        QVERIFY(shown.window.session().isRunning());
        QVERIFY(shown.child<views::JobsView>()->stopAction()->isEnabled());
        QTRY_VERIFY_WITH_TIMEOUT(!shown.window.session().isRunning(), 60000);
        QVERIFY2(shown.window.messages().text().isEmpty(), qPrintable(shown.window.messages().text()));
        QTRY_COMPARE(shown.child<views::TrialsView>()->model().rowCount(), 12);
        QTRY_COMPARE(int(shown.child<views::ParetoPlot>()->data()->points.size()), 12);
        QVERIFY(shown.child<QLabel>(u"jobsHeadline"_s)->text().contains(u"12 done"_s));
        QVERIFY(shown.window.windowTitle().contains(u"run.pscope"_s));

        builder->start(); // once more: nothing to do
        QTRY_VERIFY_WITH_TIMEOUT(!shown.window.session().isRunning(), 60000);
        QVERIFY(shown.child<QLabel>(u"jobsHeadline"_s)->text().contains(u"nothing to do"_s));
    }

    void refusedSweepComesBackToTheForm()
    {
        Shown shown(m_settings);
        shown.trigger("file.demo");
        auto* builder = shown.child<views::SweepBuilder>();
        builder->setProject(m_folder.filePath(u"no such folder/run.pscope"_s));
        QTest::mouseClick(builder->findChild<QPushButton*>(u"start"_s), Qt::LeftButton);
        QTRY_VERIFY(!shown.window.session().isRunning());
        QTRY_VERIFY(builder->isVisible());
        const QString reason = builder->findChild<QLabel*>(u"preview"_s)->text();
        QVERIFY2(reason.contains(u"no such folder"_s), qPrintable(reason));
        QCOMPARE(builder->editor().draft().pipelines.size(), 3);
        QVERIFY(builder->findChild<QPushButton*>(u"start"_s)->isEnabled());
    }

    void commandsAreShownBeforeTheyRun()
    {
        Shown shown(m_settings);
        shown.trigger("file.new-sweep");
        auto* builder = shown.child<views::SweepBuilder>();
        builder->loadFile(commandSweep());
        builder->setProject(m_folder.filePath(u"commands.pscope"_s));
        builder->start();
        QTRY_VERIFY(shown.child<QDialog>(u"commandQuestion"_s));
        auto* dialog = shown.child<QDialog>(u"commandQuestion"_s);
        QVERIFY(dialog->isVisible());
        auto* list = dialog->findChild<QPlainTextEdit*>(u"commands"_s);
        const QString text = list->toPlainText();
        const QStringList lines = text.split('\n'_L1);
        QCOMPARE(lines.first(), u"sh 'my script.sh' '{model}' '{output}'"_s);
        for (const QString& line : {u"    sh"_s, u"    'my script.sh'"_s, u"    '{model}'"_s,
                                    u"    the sweep file %1"_s.arg(commandSweep()), u"sh other.sh"_s})
            QVERIFY2(lines.contains(line), qPrintable(line + u" in\n"_s + text));
        QVERIFY2(text.contains(u"    2: external("_s), qPrintable(text));
        QVERIFY(list->isReadOnly() && list->textInteractionFlags().testFlag(Qt::TextSelectableByMouse));
        QVERIFY(dialog->findChild<QPushButton*>(u"cancelCommands"_s)->isDefault());
        QVERIFY(!shown.window.session().isRunning());
    }

    void commandsRunOnlyWhenAllowed_data()
    {
        QTest::addColumn<QString>("button"); // pressed; none: a key
        QTest::addColumn<int>("key");
        QTest::addColumn<bool>("runs");
        QTest::addRow("return key") << QString() << int(Qt::Key_Return) << false;
        QTest::addRow("escape key") << QString() << int(Qt::Key_Escape) << false;
        QTest::addRow("cancel") << u"cancelCommands"_s << 0 << false;
        QTest::addRow("run") << u"runCommands"_s << 0 << true;
    }
    void commandsRunOnlyWhenAllowed()
    {
        QFETCH(QString, button);
        QFETCH(int, key);
        QFETCH(bool, runs);
        Shown shown(m_settings);
        shown.trigger("file.new-sweep");
        auto* builder = shown.child<views::SweepBuilder>();
        builder->loadFile(commandSweep());
        builder->setProject(m_folder.filePath(u"commands%1.pscope"_s.arg(m_count)));
        builder->start();
        QTRY_VERIFY(shown.child<QDialog>(u"commandQuestion"_s));
        auto* dialog = shown.child<QDialog>(u"commandQuestion"_s);
        if (button.isEmpty())
            QTest::keyClick(dialog, Qt::Key(key));
        else
            QTest::mouseClick(dialog->findChild<QPushButton*>(button), Qt::LeftButton);
        QCOMPARE(shown.window.session().isRunning(), runs);
        QTRY_VERIFY(!shown.child<QDialog>(u"commandQuestion"_s));
        if (!runs) {
            QVERIFY(builder->isVisible()); // with all that was typed
            QVERIFY(!QFileInfo::exists(m_folder.filePath(u"commands%1.pscope"_s.arg(m_count))));
            return;
        }
        QTRY_VERIFY_WITH_TIMEOUT(!shown.window.session().isRunning(), 60000);
        QVERIFY2(shown.child<QLabel>(u"jobsHeadline"_s)->text().contains(u"3 done"_s),
                 qPrintable(shown.child<QLabel>(u"jobsHeadline"_s)->text()));
        builder->start(); // nothing is left to run, so there is nothing to ask
        QTRY_VERIFY_WITH_TIMEOUT(!shown.window.session().isRunning(), 60000);
        QVERIFY(!shown.child<QDialog>(u"commandQuestion"_s));
        QVERIFY2(shown.child<QLabel>(u"jobsHeadline"_s)->text().contains(u"nothing to do"_s),
                 qPrintable(shown.child<QLabel>(u"jobsHeadline"_s)->text()));
        builder->loadFile(commandSweep(u", rtn: {bits: 3}"_s)); // an approval is for one run
        builder->start();
        QTRY_VERIFY(shown.child<QDialog>(u"commandQuestion"_s));
        QVERIFY(!shown.window.session().isRunning());
    }

    void devicesReachTheProjectThatASweepWrites()
    {
        qputenv("PARETOSCOPE_FAKE", "silent"); // a worker that never gets ready
        const auto restore = qScopeGuard([] { qunsetenv("PARETOSCOPE_FAKE"); });
        Shown shown(m_settings);
        shown.trigger("file.demo");
        auto* builder = shown.child<views::SweepBuilder>();
        builder->setProject(m_folder.filePath(u"written.pscope"_s));
        builder->start();
        QTRY_VERIFY(shown.child<QLabel>(u"jobsHeadline"_s)->text().contains(u"0 of 12"_s));
        QSignalSpy kept(&shown.window.session(), &ProjectSession::deviceKept);
        Q_EMIT shown.child<views::RooflineView>()->deviceSaved(sharedCard());
        QTRY_COMPARE(kept.count(), 1);
        QVERIFY(shown.window.session().isRunning());
        const auto hasDevice = [&] {
            const views::SnapshotPtr& snapshot = shown.window.session().snapshot();
            return snapshot && snapshot->devices.size() == 1;
        };
        QTRY_VERIFY(hasDevice());
        QVERIFY2(shown.window.messages().text().isEmpty(), qPrintable(shown.window.messages().text()));
        shown.child<views::JobsView>()->stopAction()->trigger();
        shown.child<views::JobsView>()->stopAction()->trigger();
        QTRY_VERIFY_WITH_TIMEOUT(!shown.window.session().isRunning(), 30000);
    }

    void projectsOfOtherWritersDoNotGetDevices()
    {
        const QString file = m_folder.filePath(u"busy.pscope"_s);
        const auto writer = core::ProjectStore::open(views::toPath(file), core::OpenMode::Create);
        QVERIFY(writer.ok());
        Shown shown(m_settings);
        shown.window.openFile(file);
        QTRY_VERIFY(shown.window.session().snapshot());
        Q_EMIT shown.child<views::RooflineView>()->deviceSaved(sharedCard());
        QTRY_VERIFY2(shown.window.messages().text().contains(u"device Shared card is saved, but not in the project"_s),
                     qPrintable(shown.window.messages().text()));
    }

    void devicesOfTheProjectAreOfferedForPredictions()
    {
        const QString file = m_folder.filePath(u"offered.pscope"_s);
        {
            auto store = core::ProjectStore::open(views::toPath(file), core::OpenMode::Create);
            QVERIFY(store.ok() && store.value().recordDevice(sharedCard()).ok());
        }
        Shown shown(m_settings);
        auto* devices = shown.child<QComboBox>(u"paretoDevice"_s);
        QCOMPARE(devices->findText(u"Shared card"_s), -1);
        QVERIFY(devices->count() >= 100);
        shown.window.openFile(file);
        QTRY_VERIFY(devices->findText(u"Shared card"_s) >= 0);
        shown.trigger("file.close");
        QTRY_COMPARE(devices->findText(u"Shared card"_s), -1);
    }

    void closingAsksWhileASweepRuns()
    {
        qputenv("PARETOSCOPE_FAKE", "silent"); // a worker that never gets ready
        const auto restore = qScopeGuard([] { qunsetenv("PARETOSCOPE_FAKE"); });
        Shown shown(m_settings);
        shown.trigger("file.demo");
        auto* builder = shown.child<views::SweepBuilder>();
        builder->setProject(m_folder.filePath(u"closed.pscope"_s));
        builder->start();
        QTRY_VERIFY(shown.child<QLabel>(u"jobsHeadline"_s)->text().contains(u"0 of 12"_s));
        shown.window.close();
        QVERIFY(shown.window.isVisible());
        auto* keep = shown.child<QPushButton>(u"keepRunning"_s);
        QVERIFY(keep);
        QTest::mouseClick(keep, Qt::LeftButton);
        QVERIFY(shown.window.session().isRunning());
        QTRY_VERIFY(!shown.child<QPushButton>(u"stopAndClose"_s));
        shown.window.close();
        QTest::mouseClick(shown.child<QPushButton>(u"stopAndClose"_s), Qt::LeftButton);
        shown.child<views::JobsView>()->stopAction()->trigger(); // patience has ended: at once
        QTRY_VERIFY_WITH_TIMEOUT(!shown.window.isVisible(), 30000);
        QVERIFY(!shown.window.session().isRunning());
    }

    void newProjectsAreEmptyAndLeadOn()
    {
        Shown shown(m_settings);
        const QString file = m_folder.filePath(u"fresh.pscope"_s);
        shown.window.session().create(file);
        QTRY_VERIFY(shown.window.session().snapshot());
        QTRY_VERIFY(shown.child<views::ParetoView>()->findChild<QPushButton*>(u"empty:file.new-sweep"_s)->isVisible());
        shown.window.session().create(file);
        QTRY_VERIFY(shown.window.messages().text().contains(u"is there already"_s));
    }

    void aboutCopiesVersions()
    {
        Shown shown(m_settings);
        shown.trigger("help.about");
        auto* copy = shown.child<QPushButton>(u"copyVersions"_s);
        QTest::mouseClick(copy, Qt::LeftButton);
        QVERIFY(QGuiApplication::clipboard()->text().contains(u"Qt "_s));
    }

    void commandLine_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("error");
        QTest::addRow("nothing") << QStringList {} << QString();
        QTest::addRow("project and theme") << QStringList {u"--theme"_s, u"dark"_s, u"a.pscope"_s} << QString();
        QTest::addRow("unknown theme") << QStringList {u"--theme"_s, u"sepia"_s} << u"sepia"_s;
        QTest::addRow("unknown option") << QStringList {u"--colour"_s} << u"colour"_s;
        QTest::addRow("bad size") << QStringList {u"--size"_s, u"big"_s} << u"big"_s;
    }
    void commandLine()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, error);
        const auto options = readStartOptions(QStringList {u"paretoscope"_s} + arguments);
        QCOMPARE(options.ok(), error.isEmpty());
        if (!options.ok())
            QVERIFY(QString::fromStdString(options.error().sentence()).contains(error));
    }

private:
    static core::DeviceRecord sharedCard()
    {
        return {.name = "Shared card", .cells = {{"name", "Shared card"}, {"bandwidth_GBps", "100"}}};
    }

    /// A sweep of somebody who wants to run programs here. @param behind stages behind them
    QString commandSweep(const QString& behind = {})
    {
        const QString file = m_folder.filePath(u"commands.yaml"_s);
        const QString text = uR"(paretoscope: 1
workload:
  kind: causal-lm
  model: RESOURCES/models/tiny-llama
  evaluate:
    - perplexity: {corpus: RESOURCES/demo/corpora/wiki.test.tokens, length: 64, windows: 2}
pipelines:
  - []
  - [external: {command: [[sh, my script.sh, "{model}", "{output}"], [sh, other.sh]]}BEHIND]
)"_s;
        const QString filled =
            QString(text).replace("RESOURCES"_L1, QLatin1String(PARETOSCOPE_RESOURCES)).replace("BEHIND"_L1, behind);
        return views::writeTextFile(file, filled).ok() ? file : QString();
    }

    QTemporaryDir m_folder;
    QString m_project;
    QString m_settings;
    int m_count = 0;
};

QTEST_MAIN(TstMainWindow)
#include "tst_main_window.moc"
