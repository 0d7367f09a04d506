using var model = ShapWorker.Explaining.PenguinModel.Train();
Console.WriteLine(model.Explain([ShapWorker.Penguins.PenguinData.Complete[0].Penguin])[0]);
