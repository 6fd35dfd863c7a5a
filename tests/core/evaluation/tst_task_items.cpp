// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/task_items.h"

#include "core/base/mapped_file.h"
#include "core/evaluation/task_forms.h"
#include "core/evaluation/white_space.h"

#include <QTemporaryDir>
#include <QtTest>

#include <map>
#include <string>

using namespace paretoscope::core;

namespace {

using Ids = std::vector<std::int32_t>;

const std::filesystem::path kData = PARETOSCOPE_TEST_DATA;
const std::filesystem::path kTinyLlama = PARETOSCOPE_RESOURCES "/models/tiny-llama";

/// "context|continuation" of every pair, one a line, then the gold index.
QString shown(const TaskItem& item)
{
    std::string text;
    for (const TaskPair& pair : item.pairs)
        text += pair.context + "|" + pair.continuation + "\n";
    return QString::fromStdString(text + std::to_string(item.gold));
}

} // namespace

class TstTaskItems : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;

    std::filesystem::path write(const QByteArray& lines) const
    {
        const std::filesystem::path file = (m_folder.path() + QStringLiteral("/t.jsonl")).toStdString();
        if (!writeFileAtomically(file, lines.toStdString()).ok())
            qFatal("cannot write");
        return file;
    }

private Q_SLOTS:
    void readsEveryForm_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QString>("expected");
        QTest::addColumn<int>("kind");
        const auto row = [](const char* tag, const char* line, const char* expected, TaskItems::Kind kind) {
            QTest::addRow("%s", tag) << QByteArray(line) << QString::fromUtf8(expected) << int(kind);
        };
        using Kind = TaskItems::Kind;
        row("pairs", R"({"id": "a", "pairs": [["C", " x"], ["C", " y"]], "gold": 1})", "C| x\nC| y\n1", Kind::Choice);
        row("pairs with contexts of their own", R"({"pairs": [["C", " x"], ["D", " x"]], "gold": 0})", "C| x\nD| x\n0",
            Kind::ChoiceUnnormalised);
        row("choices", R"({"id": 7, "context": "C", "choices": ["x", "y", "z"], "gold": 2})", "C| x\nC| y\nC| z\n2",
            Kind::Choice);
        row("contexts", R"({"contexts": ["C", "D"], "continuation": "x", "gold": 0})", "C| x\nD| x\n0",
            Kind::ChoiceUnnormalised);
        row("cloze", R"({"context": "C", "target": "x"})", "C| x\n0", Kind::Cloze);
        row("ARC with digits as labels",
            R"({"question": "Q?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"})",
            "Question: Q?\nAnswer:| x\nQuestion: Q?\nAnswer:| y\n1", Kind::Choice);
        row("OpenBookQA",
            R"({"question_stem": "Q is", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "A"})",
            "Q is| x\nQ is| y\n0", Kind::Choice);
        row("HellaSwag",
            R"({"activity_label": "Cutting", "ctx_a": "A man [header] sits.", "ctx_b": "mr SMITH",)"
            R"( "endings": [" cuts [title] it", "a  b"], "label": "1"})",
            "Cutting: A man sits. Mr smith| cuts. it\nCutting: A man sits. Mr smith| a b\n1", Kind::Choice);
        row("PIQA", R"({"goal": "G", "sol1": "x", "sol2": "y", "label": 1})",
            "Question: G\nAnswer:| x\nQuestion: G\nAnswer:| y\n1", Kind::Choice);
        row("WinoGrande", R"({"sentence": "The _ was big.", "option1": "dog", "option2": "cat", "answer": "2"})",
            "The dog| was big.\nThe cat| was big.\n1", Kind::ChoiceUnnormalised);
        row("BoolQ", R"({"passage": "P", "question": "is it", "label": true})",
            "P\nQuestion: is it?\nAnswer:| no\nP\nQuestion: is it?\nAnswer:| yes\n1", Kind::ChoiceUnnormalised);
        row("LAMBADA", R"({"text": "one two three"})", "one two| three\n0", Kind::Cloze);
    }
    void readsEveryForm()
    {
        QFETCH(QByteArray, line);
        QFETCH(QString, expected);
        QFETCH(int, kind);
        const auto read = readTaskItems({.file = write("\xef\xbb\xbf" + line + "\n\n")});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().items.size(), std::size_t(1));
        QCOMPARE(shown(read.value().items[0]), expected);
        QCOMPARE(int(read.value().kind), kind);
        QVERIFY(!read.value().items[0].id.empty());
    }

    void badLinesAreNamed_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QString>("part");
        const auto row = [](const char* tag, const char* line, const char* part) {
            QTest::addRow("%s", tag) << QByteArray(line) << QString::fromLatin1(part);
        };
        row("no JSON", "{", "line 2");
        row("a list", "[1]", "line 2 is not a JSON object");
        row("no known form", R"({"prompt": "x"})", "line 2 has none of the known forms");
        row("gold out of range", R"({"context": "C", "choices": ["x", "y"], "gold": 2})", "\"gold\"");
        row("gold is a word", R"({"context": "C", "choices": ["x", "y"], "gold": "first"})",
            "\"gold\" is not an index");
        row("one choice", R"({"context": "C", "choices": ["x"], "gold": 0})", "fewer than two choices");
        row("empty choice", R"({"context": "C", "choices": ["x", " "], "gold": 0})", "empty continuation");
        row("choice is a number", R"({"context": "C", "choices": ["x", 3], "gold": 0})", "\"choices\" is not a list");
        row("context is missing its text", R"({"context": 3, "choices": ["x", "y"], "gold": 0})", "\"context\"");
        row("answer is no label", R"({"question": "Q", "choices": {"text": ["x"], "label": ["A"]}, "answerKey": "E"})",
            "\"answerKey\"");
        row("another kind", R"({"context": "C", "target": "x"})", "another kind");
        row("not UTF-8", "{\"text\": \"a \xff\"}", "not UTF-8");
    }
    void badLinesAreNamed()
    {
        QFETCH(QByteArray, line);
        QFETCH(QString, part);
        const QByteArray good = R"({"context": "C", "choices": ["x", "y"], "gold": 0})";
        const auto read = readTaskItems({.file = write(good + "\n" + line + "\n")});
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::Corrupt);
        const QString message = QString::fromStdString(read.error().message);
        QVERIFY2(message.contains(part) && message.contains(QLatin1String("line 2")), qPrintable(message));
    }

    void duplicateIdsAreTold()
    {
        const auto read = readTaskItems({.file = write("{\"id\": \"a\", \"context\": \"C\", \"target\": \"x\"}\n"
                                                       "{\"id\": \"a\", \"context\": \"D\", \"target\": \"x\"}\n")});
        QCOMPARE(read.value().duplicateIds, std::vector<std::string> {"a"});
    }

    void bundledTasksReadWhole_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("items");
        QTest::addColumn<int>("kind");
        QTest::addRow("arc_easy") << QStringLiteral("arc_easy") << 500 << int(TaskItems::Kind::Choice);
        QTest::addRow("arc_challenge") << QStringLiteral("arc_challenge") << 500 << int(TaskItems::Kind::Choice);
        QTest::addRow("piqa") << QStringLiteral("piqa") << 500 << int(TaskItems::Kind::Choice);
        QTest::addRow("openbookqa") << QStringLiteral("openbookqa") << 500 << int(TaskItems::Kind::Choice);
        QTest::addRow("winogrande") << QStringLiteral("winogrande") << 500 << int(TaskItems::Kind::ChoiceUnnormalised);
        QTest::addRow("hellaswag") << QStringLiteral("hellaswag_train100") << 100 << int(TaskItems::Kind::Choice);
    }
    void bundledTasksReadWhole()
    {
        QFETCH(QString, name);
        QFETCH(int, items);
        QFETCH(int, kind);
        const auto read = readTaskItems({.file = kData / "tasks" / (name.toStdString() + ".jsonl")});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(int(read.value().items.size()), items);
        QCOMPARE(int(read.value().kind), kind);
        QVERIFY(read.value().duplicateIds.empty());
    }

    void largerLimitsHoldTheSmaller()
    {
        const std::filesystem::path file = kData / "tasks/piqa.jsonl";
        const auto few = readTaskItems({.file = file, .limit = 5, .order = "shuffled"}).value();
        const auto more = readTaskItems({.file = file, .limit = 9, .order = "shuffled"}).value();
        const auto all = readTaskItems({.file = file, .limit = 1000, .order = "shuffled"}).value();
        QCOMPARE(few.items.size(), std::size_t(5));
        QCOMPARE(all.items.size(), std::size_t(500));
        for (std::size_t i = 0; i < 5; ++i) {
            QCOMPARE(more.items[i].id, few.items[i].id);
            QCOMPARE(all.items[i].id, few.items[i].id);
        }
        // CPython 3: x = list(range(500)); random.Random(0).shuffle(x); x[:5]
        std::vector<std::string> ids;
        for (const TaskItem& item : few.items)
            ids.push_back(item.id);
        QCOMPARE(ids, (std::vector<std::string> {"piqa-0419", "piqa-0459", "piqa-0130", "piqa-0431", "piqa-0370"}));
    }

    void whiteSpaceMovesToTheContinuation_data()
    {
        QTest::addColumn<QString>("context");
        QTest::addColumn<QString>("continuation");
        QTest::addRow("space") << QStringLiteral("The answer is ") << QStringLiteral("yes");
        QTest::addRow("newline") << QStringLiteral("The answer is\n") << QStringLiteral("yes");
        QTest::addRow("no-break and ideographic space")
            << QString::fromUtf8("The answer is\u00a0\u3000") << QStringLiteral("yes");
        QTest::addRow("separator") << QString::fromUtf8("The answer is\x1f") << QStringLiteral("yes");
    }
    void whiteSpaceMovesToTheContinuation()
    {
        QFETCH(QString, context);
        QFETCH(QString, continuation);
        const Tokenizer tokenizer = Tokenizer::load(kTinyLlama).value();
        const QString bare = context.left(13);
        const auto given =
            encodePair({context.toStdString(), continuation.toStdString()}, tokenizer, "none", 0).value();
        const auto moved =
            encodePair({bare.toStdString(), (context.mid(13) + continuation).toStdString()}, tokenizer, "none", 0)
                .value();
        QCOMPARE(given.input, moved.input);
        QCOMPARE(given.targets, moved.targets);
        QCOMPARE(given.firstScored, tokenizer.encode(bare.toStdString()).size() - 1);
    }

    void pairIsWhatTheHarnessScores()
    {
        const Tokenizer tokenizer = Tokenizer::load(kTinyLlama).value();
        const Ids context = tokenizer.encode("Question: why?\nAnswer:");
        const Ids whole = tokenizer.encode("Question: why?\nAnswer: because it is");
        const auto pair = encodePair({"Question: why?\nAnswer:", " because it is"}, tokenizer, "none", 0).value();
        QCOMPARE(pair.input, Ids(whole.begin(), whole.end() - 1));
        QCOMPARE(pair.targets, Ids(whole.begin() + std::ptrdiff_t(context.size()), whole.end()));
        QCOMPARE(pair.firstScored, context.size() - 1);
        // Too long: cut off the front, the same tokens are scored.
        const auto limit = static_cast<std::int64_t>(pair.targets.size() + 1);
        const auto cut = encodePair({"Question: why?\nAnswer:", " because it is"}, tokenizer, "none", limit).value();
        QCOMPARE(cut.targets, pair.targets);
        QCOMPARE(cut.firstScored, std::size_t(1));
        QCOMPARE(cut.input, Ids(whole.end() - limit - 1, whole.end() - 1));
        QVERIFY(!encodePair({"Q:", " because it is"}, tokenizer, "none", 1).ok());
    }

    void emptyContextIsThePrefixToken()
    {
        const Tokenizer tokenizer = Tokenizer::load(kTinyLlama).value();
        const std::int32_t prefix = tokenizer.bosId() ? *tokenizer.bosId() : tokenizer.eosId().value();
        const auto pair = encodePair({"", "yes it is"}, tokenizer, "none", 0).value();
        Ids expected = tokenizer.encode("yes it is");
        QCOMPARE(pair.targets, expected);
        expected.insert(expected.begin(), prefix);
        expected.pop_back();
        QCOMPARE(pair.input, expected);
        QCOMPARE(pair.firstScored, std::size_t(0));
    }

    void charactersAreCodePoints()
    {
        QCOMPARE(charactersOf(" caf\u00e9"), std::size_t(4));
        QCOMPARE(charactersOf("  x"), std::size_t(2)); // only the delimiter is no part of the choice
        QCOMPARE(charactersOf("\xf0\x9f\x98\x80!"), std::size_t(2));
    }

    /// Token counts and characters of the items that the harness itself was run on.
    void tokenCountsAgreeWithTheHarness_data()
    {
        QTest::addColumn<QString>("task");
        for (const char* task : {"arc_easy", "piqa", "openbookqa", "winogrande"})
            QTest::addRow("%s", task) << QString::fromLatin1(task);
    }
    void tokenCountsAgreeWithTheHarness()
    {
        QFETCH(QString, task);
        const Json golden = Json::parse(readTextFile(kData / "parity/smollm2_multiple_choice.json").value());
        const Tokenizer tokenizer = Tokenizer::load(kData / "parity/tokenizers/smollm2").value();
        const auto read =
            readTaskItems({.file = kData / "tasks" / (task.toStdString() + ".jsonl"), .limit = 30}).value();
        const Json& items = golden.at("tasks").at(task.toStdString()).at("per_item");
        QCOMPARE(read.items.size(), items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            QCOMPARE(read.items[i].id, items[i].at("id").get<std::string>());
            QCOMPARE(read.items[i].gold, items[i].at("gold").get<int>());
            for (std::size_t choice = 0; choice < read.items[i].pairs.size(); ++choice) {
                const auto pair = encodePair(read.items[i].pairs[choice], tokenizer, "auto", 0).value();
                QCOMPARE(pair.firstScored + 1, items[i].at("n_context_tokens")[choice].get<std::size_t>());
                QCOMPARE(pair.targets.size(), items[i].at("n_continuation_tokens")[choice].get<std::size_t>());
                QCOMPARE(charactersOf(read.items[i].pairs[choice].continuation),
                         items[i].at("norm_length_chars")[choice].get<std::size_t>());
            }
        }
    }
};

QTEST_GUILESS_MAIN(TstTaskItems)
#include "tst_task_items.moc"
