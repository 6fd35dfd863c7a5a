// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/about_dialog.h"

#include "core/base/installation.h"
#include "core/plugin/manifest.h"
#include "jobs/worker_settings.h"
#include "views/format/text.h"
#include "views/pareto/qcustomplot.h"
#include "views/theme/icons.h"

#include <QClipboard>
#include <QDialogButtonBox>
#include <QGuiApplication>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSysInfo>
#include <QVBoxLayout>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

AboutDialog::AboutDialog(QWidget* parent)
    : QDialog(parent)
{
    setObjectName(u"aboutDialog"_s);
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("About Paretoscope"));
    auto* icon = new QLabel(this);
    icon->setPixmap(views::applicationIcon().pixmap(QSize(64, 64), devicePixelRatioF()));
    icon->setAccessibleName(tr("Paretoscope"));
    auto* title = new QLabel(tr("Paretoscope %1").arg(QGuiApplication::applicationVersion()), this);
    QFont big = font();
    big.setPointSizeF(big.pointSizeF() * 1.5);
    big.setWeight(QFont::DemiBold);
    title->setFont(big);
    auto* text =
        new QLabel(tr("Finds the best compressed model for a budget. The window is free software under the GNU General "
                      "Public License, version 3 or later; core, engine and plugins are under the Apache License 2.0."),
                   this);
    text->setWordWrap(true);
    auto* details = new QPlainTextEdit(versions(), this);
    details->setObjectName(u"versions"_s);
    details->setAccessibleName(tr("Versions"));
    details->setReadOnly(true);
    details->setMinimumSize(460, 150);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    QPushButton* copy = buttons->addButton(tr("Copy versions"), QDialogButtonBox::ActionRole);
    copy->setObjectName(u"copyVersions"_s);
    copy->setIcon(views::themedIcon(u"copy"_s));
    connect(copy, &QPushButton::clicked, details, [] { QGuiApplication::clipboard()->setText(versions()); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* layout = new QVBoxLayout(this);
    auto* head = new QHBoxLayout;
    head->setSpacing(16);
    head->addWidget(icon, 0, Qt::AlignTop);
    auto* texts = new QVBoxLayout;
    texts->addWidget(title);
    texts->addWidget(text);
    head->addLayout(texts, 1);
    layout->addLayout(head);
    layout->addWidget(details);
    layout->addWidget(buttons);
}

QString AboutDialog::versions()
{
    QStringList lines {u"Paretoscope %1"_s.arg(QGuiApplication::applicationVersion()),
                       u"Qt %1 (built with %2), platform %3"_s.arg(
                           QLatin1String(qVersion()), QLatin1String(QT_VERSION_STR), QGuiApplication::platformName()),
                       u"QCustomPlot %1"_s.arg(QLatin1String(QCUSTOMPLOT_VERSION_STR)),
                       u"%1, %2, %3 cores"_s.arg(QSysInfo::prettyProductName(), QSysInfo::currentCpuArchitecture())
                           .arg(jobs::availableCores())};
    const auto worker = jobs::workerProgram({});
    lines << (worker.ok() ? tr("Worker %1").arg(views::pathText(worker.value()))
                          : tr("No worker: %1").arg(views::toQString(worker.error().message)));
    const auto plugins = core::PluginCatalogue::scan(core::Installation::locate().pluginFolders());
    for (const core::PluginManifest& plugin : plugins.all())
        lines << tr("Plugin %1 %2").arg(views::toQString(plugin.id), views::toQString(plugin.version));
    return lines.join('\n'_L1);
}

} // namespace paretoscope::app
