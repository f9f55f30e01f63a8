"""Which token key the database was written with: the owner writes it, the application reads it."""

from django.db import migrations, models

from doudi.core.grants import Open


class Migration(migrations.Migration):
    dependencies = [("core", "0003_divisions")]
    operations = [
        migrations.CreateModel(
            name="KeyState",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("token_version", models.IntegerField()),
                ("proof", models.BinaryField()),
                ("rotated_at", models.DateTimeField(null=True)),
            ],
            options={"constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="keystate_one_row")]},
        ),
        Open("core_keystate"),
    ]
