-- SPDX-License-Identifier: GPL-3.0-or-later
ALTER TABLE orders ADD COLUMN price numeric;
