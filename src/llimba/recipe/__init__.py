"""What a recipe may say: one section per stage, named as the stage, every field with its type, bounds and default.

The field names are the field's own (transformers, peft, TRL) wherever one exists. `file.py` reads the YAML; other
folders import the sections from here.
"""

from llimba.data_files.schema import local_paths, named_paths
from llimba.recipe.base_model import BaseModelSection, ModelSection, Tokens
from llimba.recipe.corpus import CorpusSection, Executor
from llimba.recipe.cpt import CHAT, PAIRS, ChatDocuments, CptSection, NormTags, PairDocuments, Phase
from llimba.recipe.evaluate import Decoding, EvaluateSection, ModeSwitch
from llimba.recipe.instruct import InstructSection
from llimba.recipe.sources import (
    AnySource,
    HubSource,
    Join,
    LocalSource,
    PackageSource,
    ParallelSource,
    WebSource,
    WikipediaSource,
)
from llimba.recipe.training import SftSection, TrainingSection
from llimba.recipe.translate import (
    AnyTranslation,
    ApertiumTranslation,
    BackTranslation,
    ModelTranslation,
    NllbTranslation,
    TranslationSection,
)
from llimba.recipe.whole import Recipe
