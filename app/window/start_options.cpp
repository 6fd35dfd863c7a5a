// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/start_options.h"

#include <QCommandLineParser>
#include <QRegularExpression>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

core::Error problem(const QString& message, const char* hint)
{
    return {core::ErrorCode::InvalidArgument, message.toStdString(), hint};
}

core::Result<QSize> sizeOf(const QString& text)
{
    static const QRegularExpression form(u"^(\\d{2,5})x(\\d{2,5})$"_s);
    const auto match = form.match(text);
    if (!match.hasMatch())
        return problem(u"--size is \"%1\""_s.arg(text), "give width and height, as in --size 1280x720");
    return QSize(match.captured(1).toInt(), match.captured(2).toInt());
}

} // namespace

core::Result<StartOptions> readStartOptions(const QStringList& arguments)
{
    QCommandLineParser parser;
    const auto hidden = [&](const QString& name, const QString& value) {
        QCommandLineOption option(name, {}, value);
        option.setFlags(QCommandLineOption::HiddenFromHelp);
        parser.addOption(option);
    };
    parser.addOption({u"theme"_s, u"Colours: system, light or dark."_s, u"NAME"_s});
    hidden(u"screenshot"_s, u"FILE"_s);
    hidden(u"size"_s, u"WxH"_s);
    hidden(u"select"_s, u"LABEL"_s);
    hidden(u"dock"_s, u"ID"_s);
    hidden(u"quit-after-show"_s, {});
    if (!parser.parse(arguments))
        return problem(parser.errorText(), "\"paretoscope help\" lists what may be given");
    StartOptions options;
    options.files = parser.positionalArguments();
    if (parser.isSet(u"theme"_s)) {
        options.theme = views::themeFromName(parser.value(u"theme"_s));
        if (!options.theme)
            return problem(u"--theme is \"%1\""_s.arg(parser.value(u"theme"_s)), "give system, light or dark");
    }
    if (parser.isSet(u"size"_s)) {
        PSC_ASSIGN(options.size, sizeOf(parser.value(u"size"_s)));
    }
    options.screenshot = parser.value(u"screenshot"_s);
    options.select = parser.value(u"select"_s);
    options.dock = parser.value(u"dock"_s);
    options.quitAfterShow = parser.isSet(u"quit-after-show"_s);
    return options;
}

} // namespace paretoscope::app
