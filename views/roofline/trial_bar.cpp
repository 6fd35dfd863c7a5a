// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/trial_bar.h"

#include "views/format/format.h"
#include "views/format/text.h"
#include "views/roofline/step_analysis.h"
#include "views/roofline/trial_link.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Label, size, and what of the compression the device cannot use.
QString textOf(const ShownTrial& trial, const RooflineSession& session)
{
    const RooflineSetting& setting = session.setting();
    if (setting.mode == RooflineMode::Calibrated)
        return TrialBar::tr("Trial %1. Our own engine computes it in float32, however it is stored.").arg(trial.label);
    QStringList sentences {TrialBar::tr("Trial %1: every weight as it is stored, %2 in all.")
                               .arg(trial.label, format::bytes(trial.stored->storedBytes))};
    const roofline::WhatIf whatIf {.hardware = session.device().spec, .request = requestOf(setting)};
    for (const std::string& remark : roofline::remarksOn(*trial.stored, whatIf))
        sentences << toQString(remark);
    return sentences.join(' '_L1);
}

} // namespace

TrialBar::TrialBar(const RooflineSession& session, const TrialLink& link, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
    , m_link(link)
    , m_text(new QLabel(this))
    , m_back(new QToolButton(this))
{
    setObjectName(u"rooflineTrialBar"_s);
    m_text->setObjectName(u"rooflineTrial"_s);
    m_text->setTextFormat(Qt::PlainText);
    m_text->setWordWrap(true);
    m_back->setObjectName(u"rooflineBack"_s);
    m_back->setToolTip(
        tr("Shows the model that was opened, with the weights of the setting; selections are no longer followed"));
    connect(m_back, &QToolButton::clicked, this, &TrialBar::backRequested);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 2, 8, 2);
    row->addWidget(m_text, 1);
    row->addWidget(m_back);
    connect(&session, &RooflineSession::changed, this, &TrialBar::refresh);
    connect(&link, &TrialLink::updated, this, &TrialBar::refresh);
    refresh();
}

void TrialBar::refresh()
{
    const std::optional<ShownTrial>& trial = m_session.trial();
    setVisible(trial || m_link.problem());
    m_back->setText(trial ? tr("Back to the free what-if") : tr("Do not follow"));
    if (trial)
        m_text->setText(textOf(*trial, m_session));
    else if (m_link.problem())
        m_text->setText(tr("The selected trial is not shown: %1").arg(toQString(m_link.problem()->sentence())));
}

} // namespace paretoscope::views
