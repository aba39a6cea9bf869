-- SPDX-License-Identifier: GPL-3.0-or-later
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item text NOT NULL);
