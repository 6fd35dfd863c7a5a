// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/command_dialog.h"

#include "views/format/text.h"

#include <QCoreApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QFontDatabase>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(CommandDialog)
};

constexpr std::size_t kMostTrials = 8; ///< that are named

QString origin(const views::SweepOrder& order)
{
    if (order.file.isEmpty())
        return Text::tr("typed into the sweep builder");
    const QString file = views::toQString(jobs::visibleText(order.file.toStdString()));
    return order.isEdited ? Text::tr("the sweep file %1, changed in the sweep builder").arg(file)
                          : Text::tr("the sweep file %1").arg(file);
}

QStringList trials(const core::Sweep& sweep, const jobs::SweepCommand& command)
{
    if (command.pipelines.empty())
        return {Text::tr("those for which the driver chooses it")};
    QStringList lines;
    for (std::size_t i = 0; i < std::min(kMostTrials, command.pipelines.size()); ++i) {
        const std::size_t pipeline = command.pipelines[i];
        lines << u"%1: %2"_s.arg(pipeline + 1)
                     .arg(views::toQString(jobs::visibleText(sweep.pipelines[pipeline].label())));
    }
    if (command.pipelines.size() > kMostTrials)
        lines << Text::tr("and %1 more").arg(command.pipelines.size() - kMostTrials);
    return lines;
}

} // namespace

QString commandsText(const views::SweepOrder& order, const std::vector<jobs::SweepCommand>& commands)
{
    const QString gap = u"\n    "_s;
    QStringList blocks;
    for (const jobs::SweepCommand& command : commands) {
        QStringList arguments;
        for (const std::string& word : command.words)
            arguments << views::toQString(word);
        QStringList lines {views::toQString(command.line)};
        if (!arguments.isEmpty())
            lines << Text::tr("Program:") + gap + arguments.takeFirst();
        if (!arguments.isEmpty())
            lines << Text::tr("Arguments, one a line:") + gap + arguments.join(gap);
        lines << Text::tr("From:") + gap + origin(order)
              << Text::tr("Trials:") + gap + trials(order.sweep, command).join(gap);
        blocks << lines.join('\n'_L1);
    }
    return blocks.join(u"\n\n"_s);
}

void askAboutCommands(QWidget* parent, const views::SweepOrder& order, const std::vector<jobs::SweepCommand>& commands,
                      std::function<void(const views::SweepOrder&)> run, std::function<void()> cancelled)
{
    auto* dialog = new QDialog(parent);
    dialog->setObjectName(u"commandQuestion"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(Text::tr("This sweep runs commands"));
    dialog->resize(760, 480);
    auto* question = new QLabel(
        Text::tr("The sweep runs these commands on this computer, with your rights: they can read, change and delete "
                 "whatever you can, and so can the scripts that they call. Allow them only if you know what they do "
                 "and where they come from. {model} and {output} are folders that Paretoscope makes for each trial."),
        dialog);
    question->setWordWrap(true);
    question->setTextFormat(Qt::PlainText);
    auto* list = new QPlainTextEdit(commandsText(order, commands), dialog);
    list->setObjectName(u"commands"_s);
    list->setAccessibleName(Text::tr("Commands"));
    list->setReadOnly(true);
    list->setTabChangesFocus(true);
    list->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    list->setWordWrapMode(QTextOption::WrapAnywhere); // nothing is out of sight to the right
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, dialog);
    QPushButton* accept = buttons->addButton(Text::tr("Run these commands"), QDialogButtonBox::AcceptRole);
    accept->setObjectName(u"runCommands"_s);
    accept->setToolTip(Text::tr("Allows them for this run; the next one asks again"));
    accept->setMinimumWidth(accept->sizeHint().width() + 24);
    accept->setAutoDefault(false);
    QPushButton* cancel = buttons->button(QDialogButtonBox::Cancel);
    cancel->setObjectName(u"cancelCommands"_s);
    cancel->setDefault(true);
    auto* layout = new QVBoxLayout(dialog);
    layout->addWidget(question);
    layout->addWidget(list, 1);
    layout->addWidget(buttons);
    QObject::connect(buttons, &QDialogButtonBox::accepted, dialog, &QDialog::accept);
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    views::SweepOrder approved = order;
    for (const jobs::SweepCommand& command : commands)
        approved.options.allowedCommands.push_back(command.line);
    QObject::connect(dialog, &QDialog::accepted, parent, [approved, run = std::move(run)] { run(approved); });
    QObject::connect(dialog, &QDialog::rejected, parent, std::move(cancelled));
    dialog->open();
    cancel->setFocus();
}

} // namespace paretoscope::app
