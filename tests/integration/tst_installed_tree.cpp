// SPDX-License-Identifier: Apache-2.0
// `cmake --install` gives a tree that runs from any prefix, also after it was moved.
#include <QDir>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

namespace {

struct Outcome
{
    int code = -1;
    QByteArray output;
    QByteArray errors;
};

/// Without PARETOSCOPE_*: the program has to find its parts by itself.
/// @param plugins  a folder of plugins that the user trusts
Outcome run(const QString& program, const QStringList& arguments, const QString& home, const QString& plugins = {})
{
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    for (const QString& name : environment.keys()) {
        if (name.startsWith(QLatin1String("PARETOSCOPE_")))
            environment.remove(name);
    }
    environment.insert(QStringLiteral("XDG_CACHE_HOME"), home);
    if (!plugins.isEmpty())
        environment.insert(QStringLiteral("PARETOSCOPE_PLUGINS"), plugins);
    QProcess process;
    process.setProcessEnvironment(environment);
    process.start(program, arguments);
    if (!process.waitForFinished(240000))
        return {};
    return {process.exitCode(), process.readAllStandardOutput(), process.readAllStandardError()};
}

} // namespace

class TstInstalledTree : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        const QString first = m_folder.filePath(QStringLiteral("first"));
        const Outcome installed = run(
            QStringLiteral("cmake"),
            {QStringLiteral("--install"), QStringLiteral(PARETOSCOPE_BUILD_TREE), QStringLiteral("--prefix"), first},
            m_folder.path());
        QVERIFY2(installed.code == 0, installed.errors.constData());
        m_prefix = m_folder.filePath(QStringLiteral("moved here"));
        QVERIFY(QDir().rename(first, m_prefix));
        m_program = m_prefix + QStringLiteral("/bin/paretoscope");
    }

    void findsItsPlugins()
    {
        const Outcome plugins = run(m_program, {QStringLiteral("plugins"), QStringLiteral("--json")}, m_folder.path());
        QVERIFY2(plugins.code == 0, plugins.errors.constData());
        QVERIFY(plugins.output.contains("quantization/gptq"));
    }

    void runsATrialWithItsOwnWorker()
    {
        const QString project = m_folder.filePath(QStringLiteral("installed.pscope"));
        const Outcome sweep =
            run(m_program,
                {QStringLiteral("--batch"), m_prefix + QStringLiteral("/share/paretoscope/demo/tiny-llama.yaml"),
                 QStringLiteral("--project"), project, QStringLiteral("--only"), QStringLiteral("gptq(bits=4"),
                 QStringLiteral("--json"), QStringLiteral("--progress"), QStringLiteral("none")},
                m_folder.path());
        QVERIFY2(sweep.code == 0, (sweep.errors + sweep.output).constData());
        QCOMPARE(QJsonDocument::fromJson(sweep.output).object().value(QLatin1String("done")).toInt(), 1);
    }

    /// The template for plugins outside this tree, built against nothing but the installed one.
    void pluginsOfOthersAreBuiltAgainstIt()
    {
        const QString build = m_folder.filePath(QStringLiteral("plugins"));
        const QString cmake = QStringLiteral("cmake");
        const Outcome configured =
            run(cmake,
                {QStringLiteral("-S"), m_prefix + QStringLiteral("/share/paretoscope/plugin-template"),
                 QStringLiteral("-B"), build, QStringLiteral("-DCMAKE_PREFIX_PATH=") + m_prefix,
                 QStringLiteral("-DLIBTORCH_ROOT=" PARETOSCOPE_LIBTORCH), QStringLiteral("-DCMAKE_BUILD_TYPE=Release")},
                m_folder.path());
        QVERIFY2(configured.code == 0, configured.errors.constData());
        const Outcome built = run(cmake, {QStringLiteral("--build"), build}, m_folder.path());
        QVERIFY2(built.code == 0, (built.output + built.errors).constData());

        const QString sweep = m_folder.filePath(QStringLiteral("sign.yaml"));
        QFile file(sweep);
        QVERIFY(file.open(QIODevice::WriteOnly));
        const QByteArray data = m_prefix.toUtf8() + "/share/paretoscope/";
        file.write("paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: " + data +
                   "models/tiny-llama\n  evaluate:\n    - perplexity: {corpus: " + data +
                   "demo/corpora/wiki.test.tokens, length: 64, windows: 2}\npipelines:\n  - [sign]\n");
        file.close();
        const QString trusted = build + QStringLiteral("/plugins");
        const QStringList arguments {QStringLiteral("run"),       sweep,
                                     QStringLiteral("--project"), m_folder.filePath(QStringLiteral("sign.pscope")),
                                     QStringLiteral("--json"),    QStringLiteral("--progress"),
                                     QStringLiteral("none")};
        const Outcome ran = run(m_program, arguments, m_folder.path(), trusted);
        QVERIFY2(ran.code == 0, (ran.errors + ran.output).constData());
        QCOMPARE(QJsonDocument::fromJson(ran.output).object().value(QLatin1String("done")).toInt(), 1);
        // Without the user's word nothing of that folder is known.
        const Outcome distrusted = run(m_program, arguments, m_folder.path());
        QVERIFY(distrusted.code != 0);
        QVERIFY2(distrusted.errors.contains("no plugin \"sign\""), distrusted.errors.constData());
    }

    void manualsAndCompletionsComeAlong()
    {
        for (const char* file :
             {"man/man1/paretoscope.1", "man/man1/paretoscope-run.1", "man/man1/paretoscope-worker.1",
              "man/man5/paretoscope-project.5", "bash-completion/completions/paretoscope",
              "zsh/site-functions/_paretoscope", "fish/vendor_completions.d/paretoscope.fish"})
            QVERIFY2(QFileInfo(m_prefix + QStringLiteral("/share/") + QLatin1String(file)).size() > 500, file);
    }

    void installsNothingOfTheBuildFolder()
    {
        // Libraries must not be looked for in the build tree.
        QProcess readelf;
        readelf.start(QStringLiteral("readelf"),
                      {QStringLiteral("-d"), m_prefix + QStringLiteral("/libexec/paretoscope/paretoscope-worker")});
        QVERIFY(readelf.waitForFinished());
        QVERIFY(!readelf.readAllStandardOutput().contains(PARETOSCOPE_BUILD_TREE));
    }

private:
    QTemporaryDir m_folder;
    QString m_prefix;
    QString m_program;
};

QTEST_GUILESS_MAIN(TstInstalledTree)
#include "tst_installed_tree.moc"
