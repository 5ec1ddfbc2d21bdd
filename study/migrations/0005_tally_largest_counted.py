from django.db import migrations, models


def count_anew(apps, schema_editor):
    """Drop the running totals; the next look at a monitor counts all answers, now with their largest key."""
    apps.get_model("study", "Tally").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("study", "0004_several_tasks")]

    operations = [
        migrations.RunPython(count_anew, migrations.RunPython.noop),
        migrations.AddField(
            model_name="tally",
            name="largest_counted",
            field=models.PositiveBigIntegerField(
                default=0, help_text="Largest key among the answers that were counted."
            ),
        ),
    ]
