"""What tests and campaigns share. No tests and no fixtures are here."""

import pytest

# Before they are imported: pytest then shows what was compared.
pytest.register_assert_rewrite("support.commands", "support.encoded", "support.fetched")
