// SPDX-License-Identifier: Apache-2.0
// Commands of others on the model of the sweep.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/safetensors_writer.h"
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"

#include <QDir>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>
#include <cstring>
#include <limits>
#include <memory>

using namespace paretoscope;

namespace {

namespace fs = std::filesystem;

const std::string kCopy = R"(cp, -r, "{model}", "{output}")";

std::string external(const std::string& words, const std::string& parameters = {}, const std::string& more = {})
{
    return "  - [external: {command: [" + words + "]" + parameters + "}" + more + "]\n";
}

/// A shell that reads `script`, in which $1 is the model and $2 the output.
std::string shell(const std::string& script)
{
    return R"(sh, -c, ')" + script + R"(', sh, "{model}", "{output}")";
}

QByteArray contentOf(const QString& file)
{
    QFile opened(file);
    return opened.open(QIODevice::ReadOnly) ? opened.readAll() : QByteArray();
}

/// A process that is there and did not end: one that nobody has asked after yet does not count.
bool isRunning(qint64 process)
{
    const QByteArray status = contentOf(QStringLiteral("/proc/%1/stat").arg(process));
    const qsizetype name = status.lastIndexOf(')');
    return name > 0 && status.mid(name + 2, 1) != "Z";
}

/// Cancels as soon as a file has a line.
class CancelsWithFile : public engine::TrialObserver
{
public:
    explicit CancelsWithFile(QString file)
        : m_file(std::move(file))
    {}
    void progressed(std::string_view, int, int) override {}
    bool isCancelled() const override { return contentOf(m_file).endsWith('\n'); }

private:
    QString m_file;
};

/// tiny-llama with a weight that is no number.
void writeBroken(const fs::path& folder)
{
    const fs::path original = kResources / "models" / "tiny-llama";
    fs::create_directories(folder);
    fs::copy_file(original / "config.json", folder / "config.json");
    const auto checkpoint = core::openCheckpoint(original).value();
    std::vector<core::TensorDeclaration> tensors;
    for (const core::TensorInfo& tensor : checkpoint->tensors())
        tensors.push_back({tensor.name, core::ElementType::F32, tensor.shape});
    auto writer = core::SafetensorsWriter::create(folder / "model.safetensors", tensors);
    QVERIFY(writer.ok());
    for (const core::TensorInfo& tensor : checkpoint->tensors()) {
        std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
        QVERIFY(checkpoint->readFloat32(tensor.name, values).ok());
        if (tensor.name == "model.layers.1.mlp.down_proj.weight")
            values[5] = std::numeric_limits<float>::quiet_NaN();
        QVERIFY(writer.value().appendFloat32(tensor.name, values).ok());
    }
    QVERIFY(writer.value().finish().ok());
}

double valueOf(const core::TrialOutcome& outcome, const char* metric)
{
    return *metricOf(outcome, metric).value;
}

engine::RunnerOptions allowing(engine::RunnerOptions options)
{
    options.allowsCommands = true;
    return options;
}

/// The program run as a child: a trial whose command waits for ever.
int runChild(const char* sign)
{
    const SweepUnderTest test(external(shell(std::string("sleep 1000 & echo $! > ") + sign + "; wait")), 2);
    tests::SilentObserver observer;
    engine::TrialRunner runner(allowing(optionsFor()));
    return runner.run(test.request(0), observer).ok() ? 0 : 1;
}

} // namespace

class TstExternal : public QObject
{
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> m_scratch;
    std::unique_ptr<QTemporaryDir> m_folder; ///< of what commands leave on purpose

    QString left(const char* name) const { return m_folder->filePath(QString::fromLatin1(name)); }

    core::Result<core::TrialOutcome> run(const SweepUnderTest& test, std::size_t trial, bool isAllowed = true)
    {
        engine::RunnerOptions options = optionsFor();
        options.allowsCommands = isAllowed;
        tests::SilentObserver observer;
        engine::TrialRunner runner(options);
        return runner.run(test.request(trial), observer);
    }

private Q_SLOTS:
    void init()
    {
        m_scratch = std::make_unique<QTemporaryDir>();
        m_folder = std::make_unique<QTemporaryDir>();
        qputenv("TMPDIR", m_scratch->path().toUtf8());
    }
    void cleanup()
    {
        QVERIFY(QDir(m_scratch->path()).isEmpty()); // nothing is left behind
        qunsetenv("TMPDIR");
    }

    void whatItMadeIsMeasuredUnderTheSameProtocol()
    {
        const SweepUnderTest test("  - []\n" + external(kCopy), 2);
        const auto baseline = run(test, 0);
        const auto copied = run(test, 1);
        QVERIFY2(baseline.ok(), baseline.ok() ? "" : baseline.error().sentence().c_str());
        QVERIFY2(copied.ok(), copied.ok() ? "" : copied.error().sentence().c_str());
        QCOMPARE(metricOf(copied.value(), "perplexity").details.at("windows"),
                 metricOf(baseline.value(), "perplexity").details.at("windows"));
        QCOMPARE(metricOf(copied.value(), "perplexity").protocol, metricOf(baseline.value(), "perplexity").protocol);
        QCOMPARE(valueOf(copied.value(), "stored_bytes"), valueOf(baseline.value(), "stored_bytes"));
    }

    /// Zeros and what is left of bfloat16 weights lose nothing in the files.
    void stagesBeforeAndAfterCount_data()
    {
        QTest::addColumn<std::string>("with");
        QTest::addColumn<std::string>("without");
        const std::string prune = "magnitude: {sparsity: 0.3}";
        const std::string round = "rtn: {bits: 3, group_size: 32}";
        QTest::addRow("before") << "  - [" + prune + ", external: {command: [" + kCopy + "]}]\n"
                                << "  - [" + prune + "]\n";
        QTest::addRow("after") << external(kCopy, {}, ", " + round) << "  - [" + round + "]\n";
    }
    void stagesBeforeAndAfterCount()
    {
        QFETCH(std::string, with);
        QFETCH(std::string, without);
        const SweepUnderTest test("  - []\n" + with + without, 2);
        const auto baseline = run(test, 0);
        const auto copied = run(test, 1);
        const auto direct = run(test, 2);
        for (const auto* outcome : {&baseline, &copied, &direct})
            QVERIFY2(outcome->ok(), outcome->ok() ? "" : outcome->error().sentence().c_str());
        QCOMPARE(valueOf(copied.value(), "perplexity"), valueOf(direct.value(), "perplexity"));
        QVERIFY(valueOf(copied.value(), "perplexity") != valueOf(baseline.value(), "perplexity"));
    }

    void pipelinesThatBeginAlikeRunItOnce()
    {
        const std::string counted = shell("echo run >> " + left("runs").toStdString() + "; cp -r \"$1\" \"$2\"");
        const SweepUnderTest test(external(counted) + external(counted, {}, ", rtn: {bits: 3, group_size: 32}"), 2);
        const QTemporaryDir cache;
        tests::SilentObserver observer;
        for (const std::size_t trial : {0U, 1U}) {
            core::TrialRequest request = test.request(trial);
            request.sharedBeginnings = {1};
            engine::TrialRunner runner(allowing(optionsFor(1, cache.path()))); // another process, as it were
            const auto outcome = runner.run(request, observer);
            QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
            QCOMPARE(outcome.value().provenance.at("shared_steps").get<int>(), int(trial));
        }
        QCOMPARE(contentOf(left("runs")), QByteArray("run\n"));
    }

    void theResultIsKept()
    {
        const std::string counted = shell("echo run >> " + left("runs").toStdString() + "; cp -r \"$1\" \"$2\"");
        const SweepUnderTest test(external(counted), 2);
        const QTemporaryDir artifacts;
        tests::SilentObserver observer;
        core::TrialRequest request = test.request(0);
        request.artifacts = artifacts.path().toStdString();
        request.artifactLimit = {1 << 30};
        engine::TrialRunner runner(allowing(optionsFor()));
        const auto first = runner.run(request, observer);
        QVERIFY2(first.ok(), first.ok() ? "" : first.error().sentence().c_str());
        QCOMPARE(first.value().artifacts.size(), std::size_t(1));
        const std::string digest = first.value().artifacts.front().sha256;
        request.kept = core::KeptModel {request.artifacts / digest, core::Sha256Digest::fromHex(digest).value()};
        const auto second = runner.run(request, observer);
        QVERIFY2(second.ok(), second.ok() ? "" : second.error().sentence().c_str());
        QCOMPARE(valueOf(second.value(), "perplexity"), valueOf(first.value(), "perplexity"));
        QCOMPARE(valueOf(second.value(), "stored_bytes"), valueOf(first.value(), "stored_bytes"));
        QCOMPARE(contentOf(left("runs")), QByteArray("run\n"));
    }

    void identityIsTheCommandAndItsInputs()
    {
        const auto idWith = [this](const char* folder, const char* content, const std::string& words) {
            QDir(m_folder->path()).mkpath(QString::fromLatin1(folder));
            const QString script = m_folder->filePath(QString::fromLatin1(folder)) + QStringLiteral("/make.sh");
            QFile file(script);
            file.open(QIODevice::WriteOnly);
            file.write(content);
            file.close();
            const SweepUnderTest test(external(words, ", inputs: [\"" + script.toStdString() + "\"]"), 2);
            return test.trials.front().id;
        };
        const std::string words = R"(sh, "{input1}", "{model}", "{output}")";
        const core::TrialId id = idWith("here", "cp -r $1 $2", words);
        QCOMPARE(idWith("there", "cp -r $1 $2", words), id);
        QVERIFY(idWith("here", "cp -rp $1 $2", words) != id);
        QVERIFY(idWith("there", "cp -r $1 $2", words + ", --fast") != id);
    }

    void inputsAreFound()
    {
        QFile script(left("make.sh"));
        QVERIFY(script.open(QIODevice::WriteOnly));
        script.write("cp -r \"$1\" \"$2\"\n");
        script.close();
        const auto made = run(SweepUnderTest(external(R"(sh, "{input1}", "{model}", "{output}")",
                                                      ", inputs: [\"" + left("make.sh").toStdString() + "\"]"),
                                             2),
                              0);
        QVERIFY2(made.ok(), made.ok() ? "" : made.error().sentence().c_str());
    }

    void missingInputsAreFoundWhenTheSweepIsRead()
    {
        const auto sweep = core::parseSweep("paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: models/tiny-llama\n"
                                            "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens}\n"
                                            "pipelines:\n  - [external: {command: [sh], inputs: [absent.sh]}]\n",
                                            kResources / "test.yaml", catalogue());
        QVERIFY(!sweep.ok());
        QCOMPARE(sweep.error().code, core::ErrorCode::NotFound);
        QVERIFY2(sweep.error().message.find("bridge/external: inputs: ") != std::string::npos &&
                     sweep.error().message.find("absent.sh does not exist") != std::string::npos,
                 sweep.error().message.c_str());
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("pipeline");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("no output named") << external(R"(ls, "{model}")") << std::string("command names no {output}");
        QTest::addRow("no model named") << external(R"(mkdir, "{output}")") << std::string("command names no {model}");
        QTest::addRow("no such input") << external(R"(sh, "{input2}", "{model}", "{output}")")
                                       << std::string("command names {input2}, and inputs has 0 files");
        QTest::addRow("it fails") << external(shell("echo no memory; exit 3"))
                                  << std::string("the command ended with status 3: sh -c 'echo no memory; exit 3' sh ");
        QTest::addRow("its last words") << external(shell("echo one; echo two >&2; exit 3"))
                                        << std::string("; its last words: \"two\"");
        QTest::addRow("it is killed") << external(shell("kill -9 $$"))
                                      << std::string("the command ended with signal 9: ");
        QTest::addRow("no such program") << external(R"(paretoscope-no-such-program, "{model}", "{output}")")
                                         << std::string("there is no program paretoscope-no-such-program");
        QTest::addRow("no program") << external(R"(/etc/passwd, "{model}", "{output}")")
                                    << std::string("there is no program /etc/passwd that could be run");
        QTest::addRow("nothing made") << external(R"("true", "{model}", "{output}")")
                                      << std::string("the command ended, but it made no folder {output}");
        QTest::addRow("an empty folder") << external(shell("mkdir \"$2\"")) << std::string("what the command made: ");
        QTest::addRow("garbage")
            << external(shell("cp -r \"$1\" \"$2\"; for f in \"$2\"/*.safetensors; do echo garbage > \"$f\"; done"))
            << std::string("what the command made: ");
        QTest::addRow("cut off") << external(shell("cp -r \"$1\" \"$2\"; truncate -s 100000 \"$2\"/*.safetensors"))
                                 << std::string("what the command made: ");
        QTest::addRow("another network") << external(shell("cp -r " + (kResources / "models/tiny-qwen3-moe").string() +
                                                           " \"$2\""))
                                         << std::string("is not the same network: it is of the family qwen3_moe");
        QTest::addRow("not finite") << external(shell("cp -r BROKEN \"$2\""))
                                    << std::string("model.layers.1.mlp.down_proj.weight that are not finite");
        QTest::addRow("too slow") << external(shell("echo thinking; sleep 1000"), ", time_limit: 0.2")
                                  << std::string("the command was ended, it took longer than its time_limit: ");
    }
    void refuses()
    {
        QFETCH(std::string, pipeline);
        QFETCH(std::string, expected);
        if (const std::size_t at = pipeline.find("BROKEN"); at != std::string::npos) {
            writeBroken(left("broken").toStdString());
            pipeline.replace(at, 6, left("broken").toStdString());
        }
        const auto outcome = run(SweepUnderTest(pipeline, 2), 0);
        QVERIFY(!outcome.ok());
        QVERIFY2(outcome.error().message.find(expected) != std::string::npos, outcome.error().message.c_str());
        QVERIFY2(outcome.error().message.find("q_proj") == std::string::npos, outcome.error().message.c_str());
        QVERIFY(!outcome.error().hint.empty());
    }

    void nothingRunsThatWasNotAllowed()
    {
        const auto outcome = run(SweepUnderTest(external(shell("touch " + left("ran").toStdString())), 2), 0, false);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(outcome.error().message.find("commands are not allowed in this run: sh -c ") != std::string::npos,
                 outcome.error().message.c_str());
        QVERIFY(!QFile::exists(left("ran")));
    }

    void whatItStartedEndsWithIt_data()
    {
        QTest::addColumn<std::string>("before"); // the process that is left behind is started
        QTest::addColumn<std::string>("after");
        QTest::addColumn<std::string>("parameters");
        QTest::addColumn<int>("code");
        const std::string nothing;
        const int cancelled = int(core::ErrorCode::Cancelled);
        QTest::addRow("it ends") << nothing << std::string("exit 1") << nothing << int(core::ErrorCode::Io);
        QTest::addRow("it takes too long")
            << nothing << std::string("wait") << std::string(", time_limit: 1") << int(core::ErrorCode::Io);
        QTest::addRow("the trial is cancelled") << nothing << std::string("wait") << nothing << cancelled;
        QTest::addRow("it ignores SIGTERM")
            << std::string("trap \"\" TERM; ") << std::string("wait") << nothing << cancelled;
    }
    void whatItStartedEndsWithIt()
    {
        QFETCH(std::string, before);
        QFETCH(std::string, after);
        QFETCH(std::string, parameters);
        QFETCH(int, code);
        const QString sign = left("child");
        const SweepUnderTest test(
            external(shell(before + "sleep 1000 & echo $! > " + sign.toStdString() + "; " + after), parameters), 2);
        tests::SilentObserver patient;
        CancelsWithFile impatient(sign);
        const bool cancels = core::ErrorCode(code) == core::ErrorCode::Cancelled;
        engine::TrialRunner runner(allowing(optionsFor()));
        const auto outcome = runner.run(test.request(0), cancels ? static_cast<engine::TrialObserver&>(impatient)
                                                                 : static_cast<engine::TrialObserver&>(patient));
        QVERIFY(!outcome.ok());
        QCOMPARE(int(outcome.error().code), code);
        const qint64 child = contentOf(sign).trimmed().toLongLong();
        QVERIFY(child > 0);
        QTRY_VERIFY(!isRunning(child));
    }

    void allOfItEndsWithTheWorker()
    {
        QProcess worker;
        worker.start(QCoreApplication::applicationFilePath(), {QStringLiteral("--wait"), left("child")});
        QTRY_VERIFY_WITH_TIMEOUT(contentOf(left("child")).endsWith('\n'), 30000);
        const qint64 child = contentOf(left("child")).trimmed().toLongLong();
        QVERIFY(isRunning(child));
        ::kill(static_cast<pid_t>(worker.processId()), SIGKILL);
        QVERIFY(worker.waitForFinished());
        QTRY_VERIFY(!isRunning(child));
        QTRY_VERIFY(QDir(m_scratch->path()).isEmpty());
    }
};

int main(int argc, char** argv)
{
    if (argc == 3 && std::strcmp(argv[1], "--wait") == 0)
        return runChild(argv[2]);
    QCoreApplication application(argc, argv);
    TstExternal test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_external.moc"
