// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/count_control.h"

#include <QHBoxLayout>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr int kStepsPerDoubling = 8;

int positionOf(int value)
{
    return int(std::lround(kStepsPerDoubling * std::log2(std::max(1, value))));
}

int valueAt(int position)
{
    return int(std::lround(std::exp2(double(position) / kStepsPerDoubling)));
}

} // namespace

CountControl::CountControl(const QString& name, int most, QWidget* parent)
    : QWidget(parent)
    , m_most(most)
    , m_slider(new QSlider(Qt::Horizontal, this))
    , m_box(new QSpinBox(this))
{
    m_slider->setRange(0, positionOf(most));
    m_slider->setPageStep(kStepsPerDoubling);
    m_slider->setAccessibleName(name);
    m_slider->setToolTip(name);
    m_slider->setMinimumWidth(60);
    m_box->setRange(1, most);
    m_box->setAccessibleName(name);
    m_box->setGroupSeparatorShown(true);
    m_box->setStepType(QSpinBox::AdaptiveDecimalStepType);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    row->addWidget(m_slider, 1);
    row->addWidget(m_box);
    setFocusProxy(m_box);
    connect(m_slider, &QSlider::valueChanged, this, [this](int position) {
        if (position != positionOf(m_box->value())) // else the box moved the slider
            m_box->setValue(std::min(m_most, valueAt(position)));
    });
    connect(m_box, &QSpinBox::valueChanged, this, [this](int value) {
        m_slider->setValue(positionOf(value));
        Q_EMIT valueChanged(value);
    });
}

int CountControl::value() const
{
    return m_box->value();
}

void CountControl::setValue(int value)
{
    const QSignalBlocker quietBox(m_box);
    const QSignalBlocker quietSlider(m_slider);
    m_box->setValue(value);
    m_slider->setValue(positionOf(value));
}

} // namespace paretoscope::views
