// SPDX-License-Identifier: Apache-2.0
// Holds the tree against the table of modules: who may include and link whom, and under which licence.
#include <QDirIterator>
#include <QFile>
#include <QProcess>
#include <QRegularExpression>
#include <QtTest>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace {

/// One row of the table of modules; folders are matched by their longest prefix.
struct Module
{
    const char* folder;
    std::vector<std::string_view> mayInclude; ///< folders
    bool qt = false;
    bool widgets = false;
    bool torch = false;
    bool sqlite = false;
    const char* licence = "Apache-2.0";
};

const QList<Module>& modules()
{
    static const QList<Module> table {
        {.folder = "core/project", .mayInclude = {"core"}, .sqlite = true},
        {.folder = "core/engine", .mayInclude = {"core/engine", "core"}, .torch = true},
        {.folder = "core", .mayInclude = {"core"}},
        {.folder = "roofline", .mayInclude = {"roofline", "core"}},
        {.folder = "plugins", .mayInclude = {"core/engine", "core", "roofline"}, .torch = true},
        {.folder = "jobs/protocol", .mayInclude = {"jobs/protocol", "core"}},
        {.folder = "jobs/worker", .mayInclude = {"jobs/worker", "jobs/protocol", "core/engine", "core"}, .torch = true},
        {.folder = "jobs", .mayInclude = {"jobs", "jobs/protocol", "core", "roofline"}, .qt = true},
        {.folder = "views",
         .mayInclude = {"views", "jobs", "jobs/protocol", "core", "roofline"},
         .qt = true,
         .widgets = true,
         .licence = "GPL-3.0-or-later"},
        {.folder = "app",
         .mayInclude = {"app", "views", "jobs", "jobs/protocol", "core", "roofline"},
         .qt = true,
         .widgets = true,
         .licence = "GPL-3.0-or-later"},
    };
    return table;
}

const Module* moduleOf(const QString& path)
{
    for (const Module& module : modules()) { // longer prefixes come first
        if (path.startsWith(QLatin1String(module.folder) + QLatin1Char('/')))
            return &module;
    }
    return nullptr;
}

/// What a line `#include <x>` or `#include "x"` of `file` breaks, if anything.
std::optional<QString> brokenRule(const QString& file, const Module& module, const QString& header, bool quoted)
{
    static const QRegularExpression qtHeader(QStringLiteral("^(Q[A-Z]|Qt|q[a-z]+\\.h$)"));
    static const QRegularExpression widgetHeader(
        QStringLiteral("^(QtWidgets|QtGui|QWidget|QApplication|QGuiApplication|QMainWindow|QDock|QPainter|QPixmap|"
                       "QImage|QDialog|QAction)"));
    static const QRegularExpression torchHeader(QStringLiteral("^(ATen|c10|torch|cuda|cublas)"));
    if (header == QLatin1String("torch/torch.h"))
        return QStringLiteral("includes torch/torch.h, which takes half a minute to compile; use core/engine/aten.h");
    if (quoted) {
        const Module* target = moduleOf(header);
        if (!target)
            return std::nullopt; // generated or beside the file
        if (QLatin1String(target->folder) == QLatin1String("plugins")) {
            const QString ownFolder = file.section(QLatin1Char('/'), 0, 2);
            return header.startsWith(ownFolder) ? std::nullopt
                                                : std::optional(QStringLiteral("includes another plugin"));
        }
        const std::string_view folder = target->sqlite ? "core" : target->folder;
        if (std::find(module.mayInclude.begin(), module.mayInclude.end(), folder) == module.mayInclude.end())
            return QStringLiteral("the arrow to %1 does not exist")
                .arg(QLatin1String(folder.data(), qsizetype(folder.size())));
        return std::nullopt;
    }
    if (qtHeader.match(header).hasMatch() && !module.qt)
        return QStringLiteral("may not use Qt");
    if (widgetHeader.match(header).hasMatch() && !module.widgets)
        return QStringLiteral("may not use Qt Widgets");
    if (torchHeader.match(header).hasMatch() && !module.torch)
        return QStringLiteral("may not use libtorch or CUDA");
    if (header == QLatin1String("sqlite3.h") && !module.sqlite)
        return QStringLiteral("only core/project includes sqlite3.h");
    return std::nullopt;
}

QStringList sourcesBelow(const QString& folder)
{
    QStringList found;
    QDirIterator files(QStringLiteral(PARETOSCOPE_SOURCE_TREE "/") + folder,
                       {QStringLiteral("*.h"), QStringLiteral("*.cpp"), QStringLiteral("*.cu")}, QDir::Files,
                       QDirIterator::Subdirectories);
    while (files.hasNext())
        found << QDir(QStringLiteral(PARETOSCOPE_SOURCE_TREE)).relativeFilePath(files.next());
    found.sort();
    return found;
}

QString contentOf(const QString& relativePath)
{
    QFile file(QStringLiteral(PARETOSCOPE_SOURCE_TREE "/") + relativePath);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

/// The libraries `binary` names itself, and those our own libraries among them name.
QStringList neededBy(const QString& binary)
{
    QProcess readelf;
    readelf.start(QStringLiteral("readelf"), {QStringLiteral("-d"), QStringLiteral("-W"), binary});
    if (!readelf.waitForFinished())
        return {};
    QStringList needed;
    static const QRegularExpression line(QStringLiteral("\\(NEEDED\\).*\\[(.*)\\]"));
    const QString output = QString::fromUtf8(readelf.readAllStandardOutput());
    for (auto match = line.globalMatch(output); match.hasNext();) {
        const QString library = match.next().captured(1);
        needed << library;
        if (library.startsWith(QLatin1String("libparetoscope")))
            needed << neededBy(QStringLiteral(PARETOSCOPE_BUILD_TREE "/lib/") + library);
    }
    return needed;
}

} // namespace

class TstStructure : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void includeLinesFollowTheArrows()
    {
        static const QRegularExpression include(QStringLiteral("^\\s*#\\s*include\\s+([<\"])([^>\"]+)[>\"]"),
                                                QRegularExpression::MultilineOption);
        QStringList broken;
        int checked = 0;
        for (const QString& folder : {QStringLiteral("app"), QStringLiteral("core"), QStringLiteral("jobs"),
                                      QStringLiteral("plugins"), QStringLiteral("roofline"), QStringLiteral("views")}) {
            for (const QString& file : sourcesBelow(folder)) {
                const Module* module = moduleOf(file);
                const QString text = contentOf(file);
                for (auto match = include.globalMatch(text); match.hasNext();) {
                    const auto found = match.next();
                    ++checked;
                    if (const auto rule =
                            brokenRule(file, *module, found.captured(2), found.captured(1) == QLatin1String("\"")))
                        broken << QStringLiteral("%1 includes %2: %3").arg(file, found.captured(2), *rule);
                }
            }
        }
        QVERIFY2(broken.isEmpty(), qPrintable(broken.join(QLatin1Char('\n'))));
        QVERIFY(checked > 100);
    }

    void ruleFindsABrokenArrow_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("header");
        QTest::addColumn<bool>("quoted");
        QTest::addColumn<bool>("broken");
        const auto row = [](const char* tag, const char* file, const char* header, bool quoted, bool broken) {
            QTest::addRow("%s", tag) << QString::fromLatin1(file) << QString::fromLatin1(header) << quoted << broken;
        };
        row("core on Qt", "core/base/x.h", "QString", false, true);
        row("core on engine", "core/sweep/x.h", "core/engine/aten.h", true, true);
        row("engine on core", "core/engine/x.h", "core/base/json.h", true, false);
        row("engine on sqlite", "core/engine/x.h", "sqlite3.h", false, true);
        row("project on sqlite", "core/project/x.cpp", "sqlite3.h", false, false);
        row("views on torch", "views/pareto/x.h", "ATen/ATen.h", false, true);
        row("views on engine", "views/pareto/x.h", "core/engine/trial_runner.h", true, true);
        row("jobs on widgets", "jobs/x.h", "QWidget", false, true);
        row("worker on jobs", "jobs/worker/x.h", "jobs/sweep_runner.h", true, true);
        row("plugin on itself", "plugins/a/b/x.cpp", "plugins/a/b/x.h", true, false);
        row("plugin on plugin", "plugins/a/b/x.cpp", "plugins/a/c/x.h", true, true);
    }
    void ruleFindsABrokenArrow()
    {
        QFETCH(QString, file);
        QFETCH(QString, header);
        QFETCH(bool, quoted);
        QFETCH(bool, broken);
        QCOMPARE(brokenRule(file, *moduleOf(file), header, quoted).has_value(), broken);
    }

    void binariesNeedOnlyWhatTheyMay_data()
    {
        QTest::addColumn<QString>("binary");
        QTest::addColumn<QString>("forbidden");
        const QString torch = QStringLiteral("^lib(torch|c10|cuda|cublas|nccl)");
        const QString qt = QStringLiteral("^libQt6");
        QTest::addRow("core") << QStringLiteral("lib/libparetoscope_core.so") << torch + QLatin1Char('|') + qt;
        QTest::addRow("engine") << QStringLiteral("lib/libparetoscope_engine.so")
                                << qt + QStringLiteral("|^libtorch_cuda|^libcu");
        QTest::addRow("worker") << QStringLiteral("libexec/paretoscope/paretoscope-worker") << qt;
        QTest::addRow("program") << QStringLiteral("bin/paretoscope") << torch;
        QDirIterator plugins(QStringLiteral(PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"),
                             {QStringLiteral("plugin.so")}, QDir::Files, QDirIterator::Subdirectories);
        while (plugins.hasNext()) {
            const QString path = QDir(QStringLiteral(PARETOSCOPE_BUILD_TREE)).relativeFilePath(plugins.next());
            QTest::addRow("%s", qPrintable(path)) << path << qt;
        }
    }
    void binariesNeedOnlyWhatTheyMay()
    {
        QFETCH(QString, binary);
        QFETCH(QString, forbidden);
        const QString path = QStringLiteral(PARETOSCOPE_BUILD_TREE "/") + binary;
        if (!QFile::exists(path))
            QSKIP("not part of this configuration");
        const QStringList needed = neededBy(path);
        QVERIFY2(!needed.isEmpty(), "readelf found no needed library");
        const QStringList bad = needed.filter(QRegularExpression(forbidden));
        QVERIFY2(bad.isEmpty(), qPrintable(bad.join(QLatin1Char(' '))));
    }

    void everySourceStatesItsLicence()
    {
        QStringList wrong;
        for (const QString& folder :
             {QStringLiteral("app"), QStringLiteral("core"), QStringLiteral("jobs"), QStringLiteral("plugins"),
              QStringLiteral("roofline"), QStringLiteral("views"), QStringLiteral("tests")}) {
            for (const QString& file : sourcesBelow(folder)) {
                const Module* module = moduleOf(file);
                const QString licence = module ? QLatin1String(module->licence) : QString();
                const QString first = contentOf(file).section(QLatin1Char('\n'), 0, 0);
                if (!first.contains(QLatin1String("SPDX-License-Identifier: ") + licence))
                    wrong << file;
            }
        }
        QVERIFY2(wrong.isEmpty(), qPrintable(wrong.join(QLatin1Char('\n'))));
    }

    void mainWindowOnlyComposes()
    {
        const QString text = contentOf(QStringLiteral("app/main_window.cpp"));
        if (text.isEmpty())
            QSKIP("no window yet");
        QVERIFY2(text.count(QLatin1Char('\n')) <= 400,
                 "app/main_window.cpp has more than 400 lines: move logic into a dock");
    }
};

QTEST_GUILESS_MAIN(TstStructure)
#include "tst_structure.moc"
