// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QSlider;
class QSpinBox;

namespace paretoscope::views {

/// A count to drag or to type; the slider moves in powers of two with eight steps between them.
class CountControl : public QWidget
{
    Q_OBJECT

public:
    /// @param name for people and assistive tools
    CountControl(const QString& name, int most, QWidget* parent = nullptr);

    int value() const;
    void setValue(int value); ///< does not emit
    QSpinBox& spinBox() { return *m_box; }
    QSlider& slider() { return *m_slider; }

Q_SIGNALS:
    void valueChanged(int value);

private:
    int m_most;
    QSlider* m_slider;
    QSpinBox* m_box;
};

} // namespace paretoscope::views
