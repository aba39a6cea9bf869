-- SPDX-License-Identifier: GPL-3.0-or-later
-- Copyright: (c) 2026, the olympus.bluegreen authors
-- One server, five databases: two Ory products in two domains, and the applications' own.
CREATE DATABASE ciam_kratos;
CREATE DATABASE ciam_hydra;
CREATE DATABASE iam_kratos;
CREATE DATABASE iam_hydra;
CREATE DATABASE olympus;
