// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/dialogs.h"

#include "core/base/installation.h"
#include "views/format/text.h"

#include <QCoreApplication>
#include <QFileDialog>
#include <QMessageBox>
#include <QPushButton>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(Dialogs)
};

} // namespace

void askForFile(QWidget* parent, const QString& title, const QString& filter, FileUse use,
                std::function<void(const QString&)> chosen)
{
    auto* dialog = new QFileDialog(parent, title, {}, filter);
    dialog->setObjectName(u"fileDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(use == FileUse::Open ? QFileDialog::ExistingFile : QFileDialog::AnyFile);
    dialog->setAcceptMode(use == FileUse::Open ? QFileDialog::AcceptOpen : QFileDialog::AcceptSave);
    if (use == FileUse::Save)
        dialog->setDefaultSuffix(u"pscope"_s);
    QObject::connect(dialog, &QFileDialog::fileSelected, parent, std::move(chosen));
    dialog->open();
}

void askWhetherToStop(QWidget* parent, std::function<void()> stop)
{
    auto* question = new QMessageBox(
        QMessageBox::Question, Text::tr("A sweep is running"),
        Text::tr("Stop the sweep and close? What is finished is kept, and the same sweep goes on later."),
        QMessageBox::NoButton, parent);
    question->setObjectName(u"stopQuestion"_s);
    question->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* accept = question->addButton(Text::tr("Stop and close"), QMessageBox::AcceptRole);
    accept->setObjectName(u"stopAndClose"_s);
    question->addButton(Text::tr("Keep running"), QMessageBox::RejectRole)->setObjectName(u"keepRunning"_s);
    QObject::connect(accept, &QPushButton::clicked, parent, std::move(stop));
    question->open();
}

QString demoSweep()
{
    const auto file = core::Installation::locate().resources() / "demo" / "tiny-llama.yaml";
    std::error_code failure;
    return std::filesystem::exists(file, failure) ? views::pathText(file) : QString();
}

} // namespace paretoscope::app
