// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>

namespace paretoscope::app {

/// Versions of everything, with a button that copies them for a bug report.
class AboutDialog : public QDialog
{
    Q_OBJECT

public:
    explicit AboutDialog(QWidget* parent = nullptr);

    static QString versions(); ///< one line per part
};

} // namespace paretoscope::app
