// SPDX-License-Identifier: Apache-2.0
// inspect and tokenize on the bundled models, through the built program.
#include "tests/app/program_call.h"

#include <QCryptographicHash>
#include <QJsonArray>
#include <QTemporaryDir>
#include <QtEndian>
#include <QtTest>

namespace {

const QString kTinyLlama = QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");
const QString kTinyMoe = QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-qwen3-moe");

QList<int> integers(const QJsonValue& array)
{
    QList<int> list;
    for (const QJsonValue& value : array.toArray())
        list << value.toInt();
    return list;
}

ProgramCall tokenize(const QStringList& options, const QByteArray& input)
{
    ProgramSetting setting;
    setting.input = input;
    return callProgram(QStringList {QStringLiteral("tokenize"), kTinyLlama} + options, setting);
}

} // namespace

class TstModelVerbs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void inspectsASupportedModel()
    {
        const QJsonObject json = callProgram({QStringLiteral("inspect"), kTinyLlama, QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.inspect/1"));
        QCOMPARE(json[QLatin1String("family")].toString(), QStringLiteral("llama"));
        QCOMPARE(json[QLatin1String("format")].toString(), QStringLiteral("safetensors"));
        // From the model's own README.
        const QHash<QString, int> numbers {
            {QStringLiteral("parameters"), 1311872}, {QStringLiteral("stored_bytes"), 2623744},
            {QStringLiteral("hidden_size"), 128},    {QStringLiteral("layers"), 4},
            {QStringLiteral("attention_heads"), 4},  {QStringLiteral("kv_heads"), 2},
            {QStringLiteral("head_dim"), 32},        {QStringLiteral("vocab_size"), 4096},
            {QStringLiteral("experts"), 0}};
        for (auto number = numbers.begin(); number != numbers.end(); ++number)
            QVERIFY2(json[number.key()].toInt(-1) == number.value(), qPrintable(number.key()));
        QVERIFY(json[QLatin1String("tied_embeddings")].toBool());
        QVERIFY(json[QLatin1String("supported")].toBool());
        QVERIFY(json[QLatin1String("unsupported")].toArray().isEmpty());
        qint64 bytes = 0;
        for (const QJsonValue& tensor : json[QLatin1String("tensors")].toArray()) {
            QCOMPARE(tensor[QLatin1String("dtype")].toString(), QStringLiteral("bf16"));
            QVERIFY(!tensor[QLatin1String("name")].toString().isEmpty());
            QVERIFY(!tensor[QLatin1String("shape")].toArray().isEmpty());
            bytes += tensor[QLatin1String("bytes")].toInt();
        }
        QCOMPARE(bytes, qint64(2623744));
    }

    void inspectsInWords()
    {
        const ProgramCall call = callProgram({QStringLiteral("inspect"), kTinyLlama, QStringLiteral("--tensors")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        for (const char* part : {"1,311,872", "2.624 MB, 16.00 bits per parameter", "llama", "supported       yes",
                                 "model.layers.3.mlp.down_proj.weight", "128 x 384"})
            QVERIFY2(call.outText().contains(QString::fromLatin1(part)), qPrintable(call.described()));
    }

    /// A model that cannot be compressed here is still described, with the reason.
    void inspectsAnUnsupportedModel_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QJsonValue>("value");
        QTest::addColumn<QString>("reason");
        QTest::addRow("unknown family") << QStringLiteral("model_type") << QJsonValue(QStringLiteral("mamba"))
                                        << QStringLiteral("the model family \"mamba\" is not known");
        QTest::addRow("unknown key") << QStringLiteral("attention_temperature") << QJsonValue(2.5)
                                     << QStringLiteral("attention_temperature = 2.5 is not known to gpt2.json");
        QTest::addRow("a value that cannot be computed") << QStringLiteral("add_cross_attention") << QJsonValue(true)
                                                         << QStringLiteral("add_cross_attention is true, only [false]");
    }
    void inspectsAnUnsupportedModel()
    {
        QFETCH(QString, key);
        QFETCH(QJsonValue, value);
        QFETCH(QString, reason);
        const QDir source(QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/models/gpt2"));
        const QTemporaryDir folder;
        QVERIFY(QFile::copy(source.filePath(QStringLiteral("model.safetensors")),
                            folder.filePath(QStringLiteral("model.safetensors"))));
        QFile config(source.filePath(QStringLiteral("config.json")));
        QVERIFY(config.open(QIODevice::ReadOnly));
        QJsonObject changed = QJsonDocument::fromJson(config.readAll()).object();
        changed[key] = value;
        QFile written(folder.filePath(QStringLiteral("config.json")));
        QVERIFY(written.open(QIODevice::WriteOnly) && written.write(QJsonDocument(changed).toJson()) > 0);
        written.close();
        const ProgramCall call = callProgram({QStringLiteral("inspect"), folder.path(), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QVERIFY(!json[QLatin1String("supported")].toBool());
        const QString first = json[QLatin1String("unsupported")].toArray().at(0).toString();
        QVERIFY2(first.contains(reason), qPrintable(first));
        QCOMPARE(json[QLatin1String("hidden_size")].toInt(), 48);
        QVERIFY(json[QLatin1String("parameters")].toInt() > 0);
        QVERIFY(!json[QLatin1String("tensors")].toArray().isEmpty());
    }

    void inspectsAMixtureOfExperts()
    {
        const QJsonObject json = callProgram({QStringLiteral("inspect"), kTinyMoe, QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("experts")].toInt(), 16);
        QCOMPARE(json[QLatin1String("experts_per_token")].toInt(), 4);
        QVERIFY(json[QLatin1String("supported")].toBool());
        // 12 of 16 experts of 3 matrices 128 x 64 are idle in each of 4 layers.
        QCOMPARE(json[QLatin1String("parameters")].toInt(), 2303360);
        QCOMPARE(json[QLatin1String("active_parameters")].toInt(), 2303360 - 4 * 12 * 3 * 128 * 64);
        const ProgramCall text = callProgram({QStringLiteral("inspect"), kTinyMoe});
        QVERIFY2(text.outText().contains(QLatin1String("16, 4 of them per token")), qPrintable(text.described()));
    }

    void inspectsWhatIsStoredInMxfp4()
    {
        const QString model = QStringLiteral(PARETOSCOPE_TEST_DATA "/families/gpt_oss_mxfp4");
        const QJsonObject json = callProgram({QStringLiteral("inspect"), model, QStringLiteral("--json")}).json();
        QVERIFY(json[QLatin1String("supported")].toBool());
        QVERIFY(json[QLatin1String("unread_tensors")].toArray().isEmpty());
        int stacks = 0;
        for (const QJsonValue& tensor : json[QLatin1String("tensors")].toArray()) {
            if (tensor[QLatin1String("dtype")].toString() != QLatin1String("mxfp4"))
                continue;
            qint64 elements = 1;
            for (const int size : integers(tensor[QLatin1String("shape")]))
                elements *= size;
            QCOMPARE(qint64(tensor[QLatin1String("bytes")].toInt()) * 32, elements * 17); // 4.25 bits
            ++stacks;
        }
        QCOMPARE(stacks, 4);
        const ProgramCall text = callProgram({QStringLiteral("inspect"), model});
        QVERIFY2(text.outText().contains(QLatin1String("mxfp4 13.06 kB")), qPrintable(text.described()));
    }

    void inspectsTheTextModelBesideAVisionTower()
    {
        const QString model = QStringLiteral(PARETOSCOPE_TEST_DATA "/families/llama4");
        const QJsonObject json = callProgram({QStringLiteral("inspect"), model, QStringLiteral("--json")}).json();
        QVERIFY(json[QLatin1String("supported")].toBool());
        QCOMPARE(json[QLatin1String("model_type")].toString(), QStringLiteral("llama4"));
        QCOMPARE(json[QLatin1String("hidden_size")].toInt(), 24);
        QCOMPARE(json[QLatin1String("experts")].toInt(), 4);
        const QJsonArray unread = json[QLatin1String("unread_tensors")].toArray();
        QVERIFY(!unread.isEmpty());
        for (const QJsonValue& name : unread)
            QVERIFY2(name.toString().startsWith(QLatin1String("vision_model.")) ||
                         name.toString().startsWith(QLatin1String("multi_modal_projector.")),
                     qPrintable(name.toString()));
        const ProgramCall text = callProgram({QStringLiteral("inspect"), model});
        QVERIFY2(text.outText().contains(QLatin1String("not read")), qPrintable(text.described()));
        QVERIFY2(text.outText().contains(QLatin1String(", 32.00 bits per parameter")), qPrintable(text.described()));
    }

    void findsAModelByName()
    {
        ProgramSetting setting;
        setting.environment << QStringLiteral("PARETOSCOPE_MODELS=" PARETOSCOPE_RESOURCES "/models");
        const ProgramCall call = callProgram({QStringLiteral("inspect"), QStringLiteral("tiny-llama")}, setting);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const ProgramCall near = callProgram({QStringLiteral("inspect"), QStringLiteral("tiny-lama")}, setting);
        QVERIFY2(near.status == 4 && near.errText().contains(QLatin1String("tiny-llama")),
                 qPrintable(near.described()));
    }

    void tokenizesAndBack()
    {
        const QByteArray text = "Hello world ,\n= two lines = \u00e9\n";
        const ProgramCall ids = tokenize({}, text);
        QVERIFY2(ids.status == 0 && ids.out.count('\n') == 1, qPrintable(ids.described()));
        QCOMPARE(tokenize({QStringLiteral("--decode")}, ids.out).out, text);
        // The other forms in which ids may be given back.
        const ProgramCall json = tokenize({QStringLiteral("--json")}, text);
        QCOMPARE(tokenize({QStringLiteral("--decode")}, json.out).out, text);
        QCOMPARE(tokenize({QStringLiteral("--decode")}, ids.out.simplified().replace(' ', ',')).out, text);
        QCOMPARE(tokenize({QStringLiteral("--decode"), QStringLiteral("--json")}, ids.out)
                     .json()[QLatin1String("text")]
                     .toString()
                     .toUtf8(),
                 text);
    }

    void jsonHasIdsCountAndTokenizer()
    {
        const QJsonObject json = tokenize({QStringLiteral("--json"), QStringLiteral("-")}, "Hello world").json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.tokenize/1"));
        QCOMPARE(json[QLatin1String("count")].toInt(), int(integers(json[QLatin1String("ids")]).size()));
        QVERIFY(json[QLatin1String("count")].toInt() >= 2);
        QCOMPARE(json[QLatin1String("tokenizer_sha256")].toString().size(), 64);
    }

    void linesAreTokenizedByThemselves()
    {
        const QJsonArray lines = tokenize({QStringLiteral("--lines"), QStringLiteral("--json")}, "Hello\n\nworld\n")
                                     .json()[QLatin1String("lines")]
                                     .toArray();
        QCOMPARE(lines.size(), 3);
        QVERIFY(lines[1].toArray().isEmpty());
        QCOMPARE(integers(lines[2]),
                 integers(tokenize({QStringLiteral("--json")}, "world").json()[QLatin1String("ids")]));
        QCOMPARE(tokenize({QStringLiteral("--lines")}, "Hello\n\nworld").out.count('\n'), 3);
    }

    void fieldsOfJsonLines()
    {
        const QByteArray input = "{\"text\": \"Hello\", \"n\": 1}\n{\"text\": \"two\\nlines\"}\n";
        const QJsonArray lines =
            tokenize({QStringLiteral("--jsonl"), QStringLiteral("text"), QStringLiteral("--json")}, input)
                .json()[QLatin1String("lines")]
                .toArray();
        QCOMPARE(lines.size(), 2);
        QCOMPARE(integers(lines[1]),
                 integers(tokenize({QStringLiteral("--json")}, "two\nlines").json()[QLatin1String("ids")]));
    }

    void hashIsOverLittleEndianIntegers()
    {
        const QByteArray text = "Hello world\nand more";
        const QList<int> ids = integers(tokenize({QStringLiteral("--json")}, text).json()[QLatin1String("ids")]);
        QByteArray bytes;
        for (const int id : ids) {
            const qint32_le little(id);
            bytes.append(reinterpret_cast<const char*>(&little), sizeof little);
        }
        const QString hash = QString::fromLatin1(QCryptographicHash::hash(bytes, QCryptographicHash::Sha256).toHex());
        const ProgramCall call = tokenize({QStringLiteral("--ids-sha256")}, text);
        QCOMPARE(call.outText(), QStringLiteral("%1 %2\n").arg(ids.size()).arg(hash));
        const QJsonObject json = tokenize({QStringLiteral("--ids-sha256"), QStringLiteral("--json")}, text).json();
        QCOMPARE(json[QLatin1String("ids_sha256")].toString(), hash);
        QVERIFY(!json.contains(QLatin1String("ids")));
    }

    void readsAFile()
    {
        QTemporaryDir folder;
        QFile file(folder.filePath(QStringLiteral("--text.txt")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("Hello world");
        file.close();
        ProgramSetting setting;
        setting.folder = folder.path();
        const QStringList verb {QStringLiteral("tokenize"), kTinyLlama};
        const QByteArray expected = tokenize({}, "Hello world").out;
        QCOMPARE(callProgram(verb + QStringList {file.fileName()}).out, expected);
        // A name that looks like an option.
        QCOMPARE(callProgram(verb + QStringList {QStringLiteral("--"), QStringLiteral("--text.txt")}, setting).out,
                 expected);
    }

    void specialTokensOnlyWhenAsked()
    {
        const QString model = QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/tokenizers/bpe_llama3");
        ProgramSetting setting;
        setting.input = "Hello";
        const QStringList base {QStringLiteral("tokenize"), model, QStringLiteral("--json")};
        const QList<int> plain = integers(callProgram(base, setting).json()[QLatin1String("ids")]);
        const QList<int> special = integers(
            callProgram(base + QStringList {QStringLiteral("--special")}, setting).json()[QLatin1String("ids")]);
        QVERIFY(!plain.isEmpty());
        QCOMPARE(special.size(), plain.size() + 1); // its post-processor adds <|begin_of_text|>
        QCOMPARE(special.mid(1), plain);
    }

    void errors_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QByteArray>("input");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QStringList>("parts");
        const auto row = [](const char* tag, const QStringList& arguments, const QByteArray& input, int status,
                            const char* code, const QStringList& parts) {
            QTest::addRow("%s", tag) << arguments << input << status << QString::fromLatin1(code) << parts;
        };
        const QString missing = QStringLiteral("/nonexistent/model");
        const QStringList verb {QStringLiteral("tokenize"), kTinyLlama};
        row("inspect: missing model", {QStringLiteral("inspect"), missing}, {}, 4, "NotFound", {missing});
        row("tokenize: missing model", {QStringLiteral("tokenize"), missing}, {}, 4, "NotFound", {missing});
        row("inspect: a text file",
            {QStringLiteral("inspect"), QStringLiteral(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml")}, {}, 4, "",
            {QStringLiteral("tiny-llama.yaml")});
        row("missing text", verb + QStringList {QStringLiteral("/nonexistent/text")}, {}, 4, "NotFound",
            {QStringLiteral("/nonexistent/text")});
        row("a folder as text", verb + QStringList {QStringLiteral("/tmp")}, {}, 4, "Io", {QStringLiteral("/tmp")});
        row("no ids", verb + QStringList {QStringLiteral("--decode")}, "1 2 three", 4, "InvalidArgument",
            {QStringLiteral("three")});
        row("id outside the vocabulary", verb + QStringList {QStringLiteral("--decode")}, "1 99999", 4,
            "InvalidArgument", {QStringLiteral("99999")});
        row("line without the field", verb + QStringList {QStringLiteral("--jsonl"), QStringLiteral("text")},
            "{\"text\": \"a\"}\n{\"txt\": \"b\"}\n", 4, "Corrupt", {QStringLiteral("line 2"), QStringLiteral("text")});
        row("line that is no JSON", verb + QStringList {QStringLiteral("--jsonl"), QStringLiteral("text")},
            "{\"text\": \"a\"}\nb\n", 4, "Corrupt", {QStringLiteral("line 2")});
        row("two ways at once", verb + QStringList {QStringLiteral("--decode"), QStringLiteral("--lines")}, {}, 2,
            "InvalidArgument", {QStringLiteral("--decode")});
        row("no model", {QStringLiteral("tokenize")}, {}, 2, "InvalidArgument", {QStringLiteral("MODEL is missing")});
    }
    void errors()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, input);
        QFETCH(int, status);
        QFETCH(QString, code);
        QFETCH(QStringList, parts);
        ProgramSetting setting;
        setting.input = input;
        const ProgramCall call = callProgram(arguments, setting);
        QVERIFY2(call.status == status && call.out.isEmpty(), qPrintable(call.described()));
        QVERIFY2(call.err.count('\n') == 1, qPrintable(call.described()));
        for (const QString& part : parts)
            QVERIFY2(call.errText().contains(part), qPrintable(call.described()));
        const ProgramCall json = callProgram(arguments + QStringList {QStringLiteral("--json")}, setting);
        QCOMPARE(json.status, status);
        QCOMPARE(json.json()[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.error/1"));
        if (!code.isEmpty())
            QCOMPARE(json.json()[QLatin1String("code")].toString(), code);
    }
};

QTEST_GUILESS_MAIN(TstModelVerbs)
#include "tst_model_verbs.moc"
