"""Long document numbers keep their text, encrypted, beside the digest that matches them: without it the token key could not be rotated."""

import doudi.core.fields
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("volunteering", "0015_one_index_each")]

    operations = [
        migrations.AddField(
            model_name="volunteer",
            name="long_number",
            field=doudi.core.fields.SealedTextField(editable=True, help_text="number of a document whose token is a digest; null for all others", null=True),
        ),
    ]
